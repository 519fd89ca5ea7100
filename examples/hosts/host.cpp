// A C++ host: one step of a decoder model with Warmgate, which starts the JVM by itself.
//   host LIBWARMGATE MODEL EXPERT_MEMORY
#include <onnxruntime_cxx_api.h>

#include <iostream>
#include <numeric>

int main(int, char** argv) try {
  Ort::Env env(ORT_LOGGING_LEVEL_ERROR, "host");
  env.RegisterExecutionProviderLibrary("Warmgate", argv[1]);
  std::vector<Ort::ConstEpDevice> devices = env.GetEpDevices();
  std::erase_if(devices, [](auto device) { return std::string(device.EpName()) != "Warmgate"; });
  Ort::SessionOptions options;
  options.AppendExecutionProvider_V2(env, {devices.at(0)}, {{"expert_memory", argv[3]}});
  Ort::Session session(env, argv[2], options);

  std::vector<std::string> inputs = session.GetInputNames();
  std::string logits = session.GetOutputNames().at(0);
  std::vector<const char*> names, wanted{logits.c_str()};
  std::vector<Ort::Value> values;
  for (size_t i = 0; i < inputs.size(); i++) {
    Ort::TypeInfo type = session.GetInputTypeInfo(i);
    auto tensor = type.GetTensorTypeAndShapeInfo();
    bool ids = tensor.GetElementType() == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64;
    std::vector<int64_t> shape = tensor.GetShape();
    for (size_t d = 0; d < shape.size(); d++) {
      // What the model leaves open: one token of one text, and a cache without a past.
      shape[d] = shape[d] >= 0 ? shape[d] : ids || d == 0;
    }
    names.push_back(inputs[i].c_str());
    values.push_back(Ort::Value::CreateTensor(Ort::AllocatorWithDefaultOptions(), shape.data(),
                                              shape.size(), tensor.GetElementType()));
    if (ids) *values[i].GetTensorMutableData<int64_t>() = 1;
  }
  auto result = session.Run({}, names.data(), values.data(), values.size(), wanted.data(), 1);
  const float* scores = result[0].GetTensorData<float>();
  size_t count = result[0].GetTensorTypeAndShapeInfo().GetElementCount();
  std::cout << logits << ' ' << std::accumulate(scores, scores + count, 0.0) << std::endl;
} catch (const std::exception& e) {
  std::cerr << e.what() << std::endl;
  return 1;
}
