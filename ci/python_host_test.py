"""What a Python host may expect of Warmgate: python_host_test.py LIBWARMGATE MODEL ADAPTED_MODEL"""
import os
import signal
import subprocess
import sys
import unittest

import numpy
import onnxruntime

LIBRARY, MODEL, ADAPTED = sys.argv[1:4]


def session(**given):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if given:
        devices = [d for d in onnxruntime.get_ep_devices() if d.ep_name == "Warmgate"]
        options.add_provider_for_devices(devices[:1], given)
    return onnxruntime.InferenceSession(MODEL, options, enable_fallback=0)


def adapted(**given):
    """The adapted model, with custom ops and no provider."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    for key, value in given.items():
        options.add_session_config_entry("ep.warmgate." + key, value)
    options.register_custom_ops_library(LIBRARY)
    return onnxruntime.InferenceSession(ADAPTED, options)


def run(made, tokens, past, seed):
    """All outputs for random inputs."""
    random = numpy.random.default_rng(seed)
    feeds = {}
    for tensor in made.get_inputs():
        if tensor.type == "tensor(float)":
            shape = [past if "past" in str(size) else 1 if isinstance(size, str) else size for size in tensor.shape]
            feeds[tensor.name] = random.standard_normal(shape).astype("float32")
        elif "mask" in tensor.name:
            feeds[tensor.name] = numpy.ones((1, past + tokens), "int64")
        else:
            feeds[tensor.name] = random.integers(0, 1000, (1, tokens))
    return made.run(None, feeds)


class PythonHostTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        onnxruntime.register_execution_provider_library("Warmgate", LIBRARY)

    def test_results_are_those_of_stock_and_do_not_depend_on_memory(self):
        stock, whole, quarter = session(), session(expert_memory="100%"), session(expert_memory="25%")
        for seed, (tokens, past) in enumerate([(1, 0), (1, 9), (16, 0), (7, 30)]):
            for a, b, c in zip(*(run(s, tokens, past, seed) for s in (stock, whole, quarter))):
                numpy.testing.assert_array_equal(b, c)
                numpy.testing.assert_allclose(b, a, rtol=0, atol=1e-5 * max(1, numpy.abs(a).max()))

    def test_options_reach_it(self):
        with self.assertRaisesRegex(Exception, "'much' is not a memory size"):
            session(expert_memory="much")
        with self.assertRaisesRegex(Exception, "nonsense"):
            session(nonsense="1")
        run(session(expert_memory="25%"), 1, 0, 0)

    def test_an_adapted_model_gives_the_same_bits(self):
        provider = session(expert_memory="100%")
        for given in {}, {"expert_memory": "25%"}, {"expert_memory": "100%", "prefetch": "off"}:
            made = adapted(**given)
            for seed, (tokens, past) in enumerate([(1, 0), (1, 9), (16, 0), (7, 30)]):
                for a, b in zip(run(provider, tokens, past, seed), run(made, tokens, past, seed)):
                    numpy.testing.assert_array_equal(a, b)
        with self.assertRaisesRegex(Exception, "'much' is not a memory size"):
            adapted(expert_memory="much")

    def test_interrupt(self):
        """Ctrl-C is Python's: the JVM leaves signals alone."""
        with subprocess.Popen(
                COMMAND + ["--interrupted"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
            try:
                self.assertEqual("running\n", child.stdout.readline())
                child.send_signal(signal.SIGINT)
                out, _ = child.communicate(timeout=60)
            finally:
                child.kill()
            self.assertEqual(("interrupted\n", 0), (out, child.returncode))

    def test_a_session_outlives_the_library(self):
        done = subprocess.run(COMMAND + ["--outlives"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.assertEqual(("done\n", 0), (done.stdout, done.returncode))


def run_until_interrupted():
    # Whoever starts this in the background has it ignore the signal.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    onnxruntime.register_execution_provider_library("Warmgate", LIBRARY)
    made = session(expert_memory="25%")
    try:
        print("running", flush=True)
        while True:
            run(made, 1, 0, 0)
    except KeyboardInterrupt:
        print("interrupted", flush=True)


def unregister_before_the_session_ends():
    onnxruntime.register_execution_provider_library("Warmgate", LIBRARY)
    made = session(expert_memory="25%")
    run(made, 1, 0, 0)
    kept = made.get_inputs()  # refers to the session
    del made
    onnxruntime.unregister_execution_provider_library("Warmgate")
    del kept
    print("done", flush=True)


# How to start this program again, in the same Python.
COMMAND = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "python-host.sh"), __file__, LIBRARY, MODEL, ADAPTED]

if __name__ == "__main__":
    if sys.argv[4:] == ["--interrupted"]:
        run_until_interrupted()
    elif sys.argv[4:] == ["--outlives"]:
        unregister_before_the_session_ends()
    else:
        unittest.main(argv=sys.argv[:1], verbosity=2)
