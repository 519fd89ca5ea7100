"""A Python host: one step of a decoder model with Warmgate, which starts the JVM by itself.

    host.py LIBWARMGATE MODEL [OPTION=VALUE]...
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
    ids = tensor.type == "tensor(int64)"
    # What the model leaves open: one token of one text, and a cache without a past.
    shape = [size if isinstance(size, int) else int(ids or i == 0) for i, size in enumerate(tensor.shape)]
    feeds[tensor.name] = numpy.ones(shape, "int64" if ids else "float32")
for tensor, value in zip(session.get_outputs(), session.run(None, feeds)):
    print(f"{tensor.name} {value.astype('float64').sum():.6g}")
