"""python3 -m unittest discover -s Benchmarks/Thresholds"""

import glob
import json
import os
import unittest

from check import judge
from peers_ratios import ratios

HERE = os.path.dirname(os.path.abspath(__file__))


class JudgeTests(unittest.TestCase):
    RESULT = {"phases": {"idle": {"p99_us": 200}, "busy": {"p99_us": 500}, "none": {"p99_us": 0}}}

    def test_bounds_are_inclusive(self):
        self.assertEqual(judge({"value": "phases.busy.p99_us", "at_most": 500}, self.RESULT), (500, True))
        self.assertEqual(judge({"value": "phases.busy.p99_us", "at_most": 499}, self.RESULT), (500, False))
        self.assertEqual(judge({"value": "phases.busy.p99_us", "at_least": 500}, self.RESULT), (500, True))
        self.assertEqual(judge({"value": "phases.busy.p99_us", "at_least": 501}, self.RESULT), (500, False))

    def test_one_figure_over_another(self):
        threshold = {"value": "phases.busy.p99_us", "over": "phases.idle.p99_us", "at_most": 2.4}
        self.assertEqual(judge(threshold, self.RESULT), (2.5, False))

    def test_what_is_missing_is_not_met(self):
        for path in ("phases.lost.p99_us", "phases.idle", "phases.idle.p99_us.more"):
            self.assertEqual(judge({"value": path, "at_most": 1e9}, self.RESULT), (None, None))
        lacking = {"value": "phases.busy.p99_us", "over": "phases.none.p99_us", "at_most": 1}
        self.assertEqual(judge(lacking, self.RESULT), (None, None))

    def test_a_threshold_has_one_bound(self):
        for bounds in ({}, {"at_least": 1, "at_most": 2}):
            with self.assertRaises(SystemExit):
                judge({"value": "phases"} | bounds, self.RESULT)

    def test_the_files_are_well_formed(self):
        paths = glob.glob(os.path.join(HERE, "*.json"))
        self.assertGreaterEqual(len(paths), 5)
        for path in paths:
            with open(path, encoding="utf-8") as file:
                content = json.load(file)
            self.assertEqual(content["benchmark"], os.path.basename(path).removesuffix(".json"))
            for threshold in content["thresholds"]:
                self.assertLessEqual(threshold.keys(), {"what", "value", "over", "at_least", "at_most"})
                judge(threshold, {})


class PeersRatioTests(unittest.TestCase):
    @staticmethod
    def curve(name, peer, at98, at99, seconds=None, ours=False):
        builds = {"1": {"wall": 9.0}} | ({"2": {"wall": seconds}} if seconds else {})
        speeds = {"0.98": at98, "0.99": at99}
        return {"name": name, "peer": peer, "ours": ours, "error": None, "builds": builds, "searches_per_second_at": speeds}

    def test_ours_over_theirs(self):
        curves = [
            self.curve("needletail int8", "needletail", 1200, 900, 4, ours=True),
            self.curve("needletail float32", "needletail", 5000, 5000, 1, ours=True),
            self.curve("hnswlib M16 efC128", "hnswlib", 300, 150, 10),
            self.curve("hnswlib M16 efC200", "hnswlib", 9000, 9000, 1),
            self.curve("svs float32", "svs", 400, None), self.curve("vsag", "vsag", 200, 450)]
        servers = {"servers": [{"name": "needletail", "p50": 0.2}, {"name": "chroma", "p50": 3.0}, {"name": "pgvector", "error": "x"}]}
        found = ratios({"curves": curves}, servers)
        self.assertEqual(found.pop("build_over_hnswlib"), 0.4)
        self.assertAlmostEqual(found.pop("chroma_p50_over_ours"), 15)
        self.assertEqual(found, {
            "over_hnswlib_at_98": 4.0, "over_best_peer_at_98": 3.0, "over_hnswlib_at_99": 6.0, "over_best_peer_at_99": 2.0})


if __name__ == "__main__":
    unittest.main()
