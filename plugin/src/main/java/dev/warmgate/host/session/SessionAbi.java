package dev.warmgate.host.session;

/**
 * Numbers of functions in {@code OrtApi}, named as in C; {@code ci/abi-audit.sh} compares them with
 * the C headers.
 */
final class SessionAbi {
  static final int GET_ERROR_MESSAGE = 2;
  static final int CREATE_ENV = 3;
  static final int CREATE_SESSION = 7;
  static final int RUN = 9;
  static final int CREATE_SESSION_OPTIONS = 10;
  static final int SET_SESSION_LOG_SEVERITY_LEVEL = 22;
  static final int SET_INTRA_OP_NUM_THREADS = 24;
  static final int SESSION_GET_INPUT_COUNT = 30;
  static final int SESSION_GET_OUTPUT_COUNT = 31;
  static final int SESSION_GET_OVERRIDABLE_INITIALIZER_COUNT = 32;
  static final int SESSION_GET_INPUT_TYPE_INFO = 33;
  static final int SESSION_GET_OUTPUT_TYPE_INFO = 34;
  static final int SESSION_GET_OVERRIDABLE_INITIALIZER_TYPE_INFO = 35;
  static final int SESSION_GET_INPUT_NAME = 36;
  static final int SESSION_GET_OUTPUT_NAME = 37;
  static final int SESSION_GET_OVERRIDABLE_INITIALIZER_NAME = 38;
  static final int CREATE_RUN_OPTIONS = 39;
  static final int RUN_OPTIONS_SET_TERMINATE = 46;
  static final int RUN_OPTIONS_UNSET_TERMINATE = 47;
  static final int CREATE_TENSOR_AS_ORT_VALUE = 48;
  static final int CREATE_TENSOR_WITH_DATA_AS_ORT_VALUE = 49;
  static final int GET_TENSOR_MUTABLE_DATA = 51;
  static final int GET_STRING_TENSOR_DATA_LENGTH = 53;
  static final int GET_STRING_TENSOR_CONTENT = 54;
  static final int CAST_TYPE_INFO_TO_TENSOR_INFO = 55;
  static final int GET_TENSOR_ELEMENT_TYPE = 60;
  static final int GET_DIMENSIONS_COUNT = 61;
  static final int GET_DIMENSIONS = 62;
  static final int GET_SYMBOLIC_DIMENSIONS = 63;
  static final int GET_TENSOR_TYPE_AND_SHAPE = 65;
  static final int CREATE_CPU_MEMORY_INFO = 69;
  static final int ALLOCATOR_FREE = 76;
  static final int GET_ALLOCATOR_WITH_DEFAULT_OPTIONS = 78;
  static final int RELEASE_STATUS = 93;
  static final int RELEASE_SESSION = 95;
  static final int RELEASE_VALUE = 96;
  static final int RELEASE_RUN_OPTIONS = 97;
  static final int RELEASE_TYPE_INFO = 98;
  static final int RELEASE_TENSOR_TYPE_AND_SHAPE_INFO = 99;
  static final int RELEASE_SESSION_OPTIONS = 100;
  static final int GET_RESIZED_STRING_TENSOR_ELEMENT_BUFFER = 252;
  static final int GET_EP_DEVICES = 303;
  static final int SESSION_OPTIONS_APPEND_EXECUTION_PROVIDER_V2 = 304;
  static final int EP_DEVICE_EP_NAME = 312;

  private SessionAbi() {}
}
