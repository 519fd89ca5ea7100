package dev.warmgate.host.ort;

/**
 * Where ONNX Runtime's C structs have what the provider uses. The members are named as in C, and
 * {@code ci/abi-audit.sh} compares the numbers with the C headers.
 */
final class OrtAbi {
  // Numbers of functions in OrtApi.
  static final int CREATE_STATUS = 0;
  static final int GET_ERROR_MESSAGE = 2;
  static final int CREATE_CUSTOM_OP_DOMAIN = 26;
  static final int CUSTOM_OP_DOMAIN_ADD = 27;
  static final int ADD_CUSTOM_OP_DOMAIN = 28;
  static final int GET_TENSOR_MUTABLE_DATA = 51;
  static final int CAST_TYPE_INFO_TO_TENSOR_INFO = 55;
  static final int GET_TENSOR_ELEMENT_TYPE = 60;
  static final int GET_DIMENSIONS_COUNT = 61;
  static final int GET_DIMENSIONS = 62;
  static final int GET_TENSOR_TYPE_AND_SHAPE = 65;
  static final int KERNEL_INFO_GET_ATTRIBUTE_FLOAT = 85;
  static final int KERNEL_INFO_GET_ATTRIBUTE_INT64 = 86;
  static final int KERNEL_INFO_GET_ATTRIBUTE_STRING = 87;
  static final int KERNEL_CONTEXT_GET_INPUT = 90;
  static final int KERNEL_CONTEXT_GET_OUTPUT = 91;
  static final int RELEASE_STATUS = 93;
  static final int RELEASE_TENSOR_TYPE_AND_SHAPE_INFO = 99;
  static final int KERNEL_INFO_GET_ATTRIBUTE_ARRAY_INT64 = 163;
  static final int KERNEL_INFO_GET_INPUT_COUNT = 230;
  static final int HAS_SESSION_CONFIG_ENTRY = 237;
  static final int GET_SESSION_CONFIG_ENTRY = 238;
  static final int KERNEL_INFO_GET_NODE_NAME = 244;
  static final int LOGGER_LOG_MESSAGE = 247;
  static final int KERNEL_INFO_GET_CONSTANT_INPUT_TENSOR = 249;
  static final int SHAPE_INFER_CONTEXT_GET_INPUT_TYPE_SHAPE = 268;
  static final int SHAPE_INFER_CONTEXT_SET_OUTPUT_TYPE_SHAPE = 270;
  static final int READ_OP_ATTR = 272;
  static final int KERNEL_CONTEXT_PARALLEL_FOR = 274;
  static final int GET_VALUE_INFO_NAME = 289;
  static final int GET_VALUE_INFO_TYPE_INFO = 290;
  static final int GET_KEY_VALUE_PAIRS = 298;
  static final int RELEASE_KEY_VALUE_PAIRS = 300;
  static final int HARDWARE_DEVICE_TYPE = 307;
  static final int GET_EP_API = 317;
  static final int GET_TENSOR_SIZE_IN_BYTES = 318;
  static final int VALUE_INFO_GET_INITIALIZER_VALUE = 326;
  static final int VALUE_INFO_GET_EXTERNAL_INITIALIZER_INFO = 327;
  static final int VALUE_INFO_IS_CONSTANT_INITIALIZER = 331;
  static final int GRAPH_GET_MODEL_PATH = 334;
  static final int GRAPH_GET_NUM_NODES = 344;
  static final int GRAPH_GET_NODES = 345;
  static final int GRAPH_GET_PARENT_NODE = 346;
  static final int NODE_GET_NAME = 349;
  static final int NODE_GET_OPERATOR_TYPE = 350;
  static final int NODE_GET_DOMAIN = 351;
  static final int NODE_GET_NUM_INPUTS = 353;
  static final int NODE_GET_INPUTS = 354;
  static final int NODE_GET_ATTRIBUTE_BY_NAME = 361;
  static final int RELEASE_EXTERNAL_INITIALIZER_INFO = 369;
  static final int EXTERNAL_INITIALIZER_INFO_GET_FILE_PATH = 370;
  static final int EXTERNAL_INITIALIZER_INFO_GET_FILE_OFFSET = 371;
  static final int EXTERNAL_INITIALIZER_INFO_GET_BYTE_SIZE = 372;
  static final int GET_SESSION_OPTIONS_CONFIG_ENTRIES = 379;

  // Numbers of functions in OrtEpApi, whose names follow EP_.
  static final int EP_CREATE_EP_DEVICE = 0;
  static final int EP_EP_GRAPH_SUPPORT_INFO_ADD_NODES_TO_FUSE = 2;

  // OrtNodeFusionOptions: the offset of drop_constant_initializers, and the size.
  static final int FUSION_DROP_CONSTANT_INITIALIZERS = 4;
  static final int FUSION_BYTES = 8;

  private OrtAbi() {}
}
