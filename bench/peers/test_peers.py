#!/usr/bin/env python3
"""The pieces of compare.py that need no peer. Exit status 77 where PyTorch is missing."""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
try:
    import numpy as np
    import torchvision
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

import compare
import host
import ncnn_param
import sides


class HostTest(unittest.TestCase):
    def test_others_are_what_is_busy_beside_us(self):
        before = host.parse_stat("cpu  100 0 0 1000 0 0 0 0 0 0", 100)
        after = host.parse_stat("cpu  150 20 10 1100 10 5 5 10 0 0", 100)
        after.ours = 0.5
        change = after - before
        self.assertAlmostEqual(change.total, 2.1)
        self.assertAlmostEqual(change.others_share(), 0.4 / 2.1)
        self.assertAlmostEqual(change.steal_share(), 0.1 / 2.1)

    def test_a_quiet_host_gives_no_complaint(self):
        watch = host.Watch()
        watch.judge(host.Cpu(busy=2.0, steal=0.0, total=2.0, ours=1.99), "in a turn")
        watch.judge_turns("one", [10.0, 10.5, 11.0])
        watch.judge_handovers([28.0, 35.0, 60.0])
        watch.judge_handovers([])
        self.assertEqual(watch.complaints, [])

    def test_a_busy_host_gives_complaints(self):
        watch = host.Watch()
        watch.judge(host.Cpu(busy=2.0, steal=0.2, total=2.2, ours=1.0), "in a turn")
        watch.judge_turns("one", [10.0, 10.5, 14.0])
        watch.judge_handovers([28.0, 160.0])
        self.assertEqual(len(watch.complaints), 4)


class SidesTest(unittest.TestCase):
    def test_times_of_ncnn(self):
        turn = sides.parse_benchncnn("loop_count = 4\n   a.param  min =   12.34  max =  15.67  avg =   13.45\n")
        self.assertEqual((turn.typical, turn.best, turn.logits), (13.45, 12.34, None))
        with self.assertRaises(sides.Failed):
            sides.parse_benchncnn("unknown option")

    def test_a_side_counts_by_the_median_of_its_runs(self):
        turn = sides.Turn.of([3.0, 1.0, 20.0], None)
        self.assertEqual((turn.typical, turn.mean, turn.best), (3.0, 8.0, 1.0))

    def test_logits_that_differ_are_told(self):
        class Side:
            def __init__(self, name):
                self.name, self.tolerance = name, 1e-5

        logits = np.ones((2, 4))
        off = logits.copy()
        off[1, 2] += 1e-3
        same = {Side("a"): [sides.Turn(1, 1, 1, logits)], Side("b"): [sides.Turn(1, 1, 1, logits)]}
        apart = {Side("a"): [sides.Turn(1, 1, 1, logits)], Side("b"): [sides.Turn(1, 1, 1, off)]}
        self.assertEqual(compare.disagreements(same), [])
        self.assertEqual(len(compare.disagreements(apart)), 1)
        off[0, 0] = np.nan
        self.assertEqual(len(compare.disagreements(apart)), 1)


def layers_of(text):
    """[(type, name, inputs, outputs, {parameter: value})] and what the second line counts."""
    lines = text.splitlines()
    layers = []
    for line in lines[2:]:
        words = line.split()
        inputs, outputs = int(words[2]), int(words[3])
        rest = words[4 + inputs + outputs :]
        layers.append((words[0], words[1], words[4 : 4 + inputs], words[4 + inputs : 4 + inputs + outputs],
                       dict(word.split("=", 1) for word in rest)))
    return layers, [int(word) for word in lines[1].split()]


class NcnnParamTest(unittest.TestCase):
    def check_wiring(self, text):
        layers, (layer_count, blob_count) = layers_of(text)
        made = [blob for layer in layers for blob in layer[3]]
        read = [blob for layer in layers for blob in layer[2]]
        self.assertEqual((layer_count, blob_count), (len(layers), len(made)))
        self.assertEqual(len(set(made)), len(made))
        self.assertEqual(sorted(read), sorted(set(made) - {layers[-1][3][0]}))  # all but the logits, once each
        return layers

    def test_resnet(self):
        network = torchvision.models.resnet18()
        layers = self.check_wiring(ncnn_param.describe(network, 224, 224, half=True))
        by_name = {name: parameters for _, name, _, _, parameters in layers}
        self.assertEqual(sum(kind == "Convolution" for kind, *_ in layers), 20)
        self.assertEqual(by_name["layer4.1.conv2"]["-23330"], "4,3,7,7,512")
        self.assertEqual(by_name["layer4.1.conv2"]["6"], str(512 * 512 * 9))
        self.assertNotIn("31", by_name["fc"])

    def test_bottlenecks_have_their_strides_on_the_3x3_convolutions(self):
        layers = self.check_wiring(ncnn_param.describe(torchvision.models.resnet50(), 224, 224, half=False))
        by_name = {name: parameters for _, name, _, _, parameters in layers}
        self.assertEqual([by_name[f"layer2.0.conv{i}"]["3"] for i in (1, 2, 3)], ["1", "2", "1"])
        self.assertEqual(by_name["fc"]["31"], str(ncnn_param.FLOAT32_WEIGHTS))
        multiply_adds = 0
        for kind, _, _, _, parameters in layers:
            if kind == "Convolution":
                _, _, width, height, _ = map(int, parameters["-23330"].split(","))
                multiply_adds += int(parameters["6"]) * width * height
        self.assertAlmostEqual(multiply_adds / 1e9, 4.09, delta=0.01)

    def test_networks_of_other_kinds_are_refused(self):
        with self.assertRaises(ValueError):
            ncnn_param.describe(torchvision.models.squeezenet1_0(), 224, 224, half=False)


if __name__ == "__main__":
    unittest.main()
