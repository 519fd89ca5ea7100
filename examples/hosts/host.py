"""A Python host: runs a model with Warmgate, which starts the JVM by itself.

    host.py LIBWARMGATE MODEL [OPTION=VALUE]...

Gives every input of the model ones and prints each output's sum.
"""
import sys

import numpy
import onnxruntime

library, model, *given = sys.argv[1:]
onnxruntime.register_execution_provider_library("Warmgate", library)
devices = [d for d in onnxruntime.get_ep_devices() if d.ep_name == "Warmgate"]

options = onnxruntime.SessionOptions()
options.log_severity_level = 3
options.add_provider_for_devices(devices[:1], dict(pair.split("=", 1) for pair in given))
# Without fallback: else an error means a session without Warmgate.
session = onnxruntime.InferenceSession(model, options, enable_fallback=0)

feeds = {}
for tensor in session.get_inputs():
    real = tensor.type == "tensor(float)"
    # Sizes that the model leaves open: one sequence of one token, and a cache without a past.
    shape = [size if isinstance(size, int) else int(not real or i == 0) for i, size in enumerate(tensor.shape)]
    feeds[tensor.name] = numpy.ones(shape, "float32" if real else "int64")
for tensor, value in zip(session.get_outputs(), session.run(None, feeds)):
    print(f"{tensor.name} {value.astype('float64').sum():.6g}")

# A tensor's description refers to its session, too.
del session, tensor
onnxruntime.unregister_execution_provider_library("Warmgate")
