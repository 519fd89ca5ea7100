// A C++ host: runs a model with Warmgate, which starts the JVM by itself.
//
//   host LIBWARMGATE MODEL EXPERT_MEMORY
//
// Gives every input of the model ones and prints the sum of the first output.
#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <iostream>
#include <numeric>

int main(int, char** argv) try {
  Ort::Env env(ORT_LOGGING_LEVEL_ERROR, "host");
  env.RegisterExecutionProviderLibrary("Warmgate", argv[1]);
  std::vector<Ort::ConstEpDevice> devices = env.GetEpDevices();
  std::erase_if(devices, [](auto d) { return std::string(d.EpName()) != "Warmgate"; });
  Ort::KeyValuePairs given;
  given.Add("expert_memory", argv[3]);
  Ort::SessionOptions options;
  options.AppendExecutionProvider_V2(env, {devices.at(0)}, given);
  {
    Ort::Session session(env, argv[2], options);
    std::vector<std::string> inputs = session.GetInputNames(), outputs = session.GetOutputNames();
    std::vector<const char*> names, first{outputs.at(0).c_str()};
    std::vector<Ort::Value> values;
    for (size_t i = 0; i < inputs.size(); i++) {
      auto type = session.GetInputTypeInfo(i);
      auto tensor = type.GetTensorTypeAndShapeInfo();
      std::vector<int64_t> shape = tensor.GetShape();
      bool real = tensor.GetElementType() == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
      for (size_t d = 0; d < shape.size(); d++) {
        // Sizes that the model leaves open: one sequence of one token, and a cache without a past.
        shape[d] = shape[d] >= 0 ? shape[d] : !real || d == 0;
      }
      values.push_back(Ort::Value::CreateTensor(Ort::AllocatorWithDefaultOptions(), shape.data(),
                                                shape.size(), tensor.GetElementType()));
      auto count = values[i].GetTensorTypeAndShapeInfo().GetElementCount();
      if (real) {
        std::fill_n(values[i].GetTensorMutableData<float>(), count, 1.0f);
      } else {
        std::fill_n(values[i].GetTensorMutableData<int64_t>(), count, 1);
      }
      names.push_back(inputs[i].c_str());
    }
    auto result = session.Run({}, names.data(), values.data(), values.size(), first.data(), 1);
    auto count = result[0].GetTensorTypeAndShapeInfo().GetElementCount();
    const float* sums = result[0].GetTensorData<float>();
    std::cout << outputs[0] << ' ' << std::accumulate(sums, sums + count, 0.0) << std::endl;
  }
  env.UnregisterExecutionProviderLibrary("Warmgate");
} catch (const std::exception& e) {
  std::cerr << e.what() << std::endl;
  return 1;
}
