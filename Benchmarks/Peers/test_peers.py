"""Tests of what a table is made of; need NumPy only: python3 -m unittest discover -s Benchmarks/Peers"""

import json
import math
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np

import picture
import report
from contestants import Failed, PeerProcess, needletail, read_curves
from curves import Curve
from peers import NAMES, Peer, variants
from vectors import HELD_OUT, Dataset, exact, prepare


def curve(*points: tuple[float, float], label: str = "x", ours: bool = False) -> Curve:
    found = [{"setting": i, "recall": r, "searches_per_second": s} for i, (r, s) in enumerate(points)]
    return Curve(label, "hnswlib", rounds=[found], ours=ours)


class Curves(unittest.TestCase):
    def test_between_two_points_the_logarithm_is_interpolated(self) -> None:
        self.assertAlmostEqual(curve((0.9, 1000), (1.0, 10)).at(0.95), math.sqrt(1000 * 10))

    def test_a_beaten_point_does_not_pull_the_curve_down(self) -> None:
        self.assertAlmostEqual(curve((0.9, 1000), (0.93, 5), (1.0, 10)).at(0.95), math.sqrt(1000 * 10))

    def test_recall_that_was_not_reached_has_no_figure(self) -> None:
        self.assertIsNone(curve((0.9, 1000), (0.98, 10)).at(0.99))

    def test_recall_below_all_points_is_the_fastest_point(self) -> None:
        self.assertEqual(curve((0.99, 1000), (1.0, 10)).at(0.95), 1000)

    def test_settings_get_the_median_of_the_rounds(self) -> None:
        several = curve((0.98, 100))
        for speed in (300, 200):
            several.rounds.append([{"setting": 0, "recall": 0.98, "searches_per_second": speed}])
        self.assertEqual(several.front(), [(0.98, 200)])

    def test_json_and_back(self) -> None:
        before = curve((0.9, 1000), (1.0, 10))
        before.builds = {2: {"wall": 1.0}}
        after = Curve.from_json(json.loads(json.dumps(before.as_json())))
        self.assertEqual(after, before)


class Vectors(unittest.TestCase):
    def test_exact_answers_of_each_metric(self) -> None:
        random = np.random.default_rng(1)
        base = random.normal(size=(300, 8)).astype(np.float32)
        queries = random.normal(size=(120, 8)).astype(np.float32)
        dots = queries.astype(np.float64) @ base.astype(np.float64).T
        apart = ((queries[:, None].astype(np.float64) - base[None]) ** 2).sum(2)
        for metric, costs in (("dot", -dots), ("euclid", apart)):
            with self.subTest(metric):
                expected = np.argsort(costs, axis=1, kind="stable")[:, :10]
                np.testing.assert_array_equal(exact(base, queries, metric, 10), expected)

    def test_the_first_rows_are_queries_and_not_in_the_base(self) -> None:
        vectors = np.random.default_rng(1).normal(size=(HELD_OUT + 50, 4)).astype(np.float16)
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "v.npy"
            np.save(path, vectors)
            data = prepare(path, "cosine", 10, 30, None)
            data.save(Path(directory))
            loaded = Dataset.load(Path(directory))
        self.assertEqual(
            (data.base.shape, data.queries.shape, data.truth.shape), ((50, 4), (30, 4), (30, 10))
        )
        np.testing.assert_allclose(np.linalg.norm(data.base, axis=1), 1, atol=1e-6)
        np.testing.assert_array_equal(loaded.base, data.base)


class Contestants(unittest.TestCase):
    def test_every_variant_can_be_made_without_its_package(self) -> None:
        labels = [label for name in NAMES for label in variants(name)]
        self.assertEqual(len(labels), len(set(labels)))
        for name in ("hnswlib", "faiss", "svs", "scann"):
            for make in variants(name).values():
                self.assertIsInstance(make(), Peer)

    def test_our_program_is_asked_for_json(self) -> None:
        found = {"name": "n", "points": [{"recall": 0.9, "searches_per_second": 5, "setting": 1}]}
        with tempfile.TemporaryDirectory() as directory:
            program = Path(directory) / "program"
            test = '[ "$2 $3 $4 $5" = "--metric dot --m 8" ]'
            text = f"#!/bin/sh\n{test} && echo '{json.dumps(found)}' > \"$7\"\n"
            program.write_text(text)
            program.chmod(0o700)
            self.assertEqual(needletail(str(program), Path("d"), "dot", ["--m", "8"]), [found])
            with self.assertRaises(Failed):
                needletail(str(program), Path("d"), "dot", [])

    def test_a_curve_out_of_range_is_refused(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "c.json"
            path.write_text('{"name":"n","points":[{"recall":98,"searches_per_second":5,"setting":1}]}')
            with self.assertRaises(Failed):
                read_curves(path)

    def test_a_process_that_dies_says_why(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            log = Path(directory) / "log"
            process = PeerProcess("hnswlib", "x", Path(directory) / "nowhere", "cosine", 1, log)
            with self.assertRaisesRegex(Failed, "ended with status 1: FileNotFoundError"):
                process.ask({"do": "sweep"}, 30)
            process.close()


class Report(unittest.TestCase):
    results = {"name": "n", "rows": 5, "dimensions": 2, "metric": "cosine"}

    def test_a_section_is_replaced_and_the_rest_stays(self) -> None:
        once = report.place("# B\n\nmine\n", "peers a", "one")
        both = report.place(once, "peers b", "two")
        again = report.place(both, "peers a", "three \\1")
        self.assertIn("<!-- peers:begin a -->\nthree \\1\n<!-- peers:end a -->", again)
        self.assertTrue(again.startswith("# B\n\nmine\n"))
        self.assertIn("two", again)
        self.assertNotIn("one", again)

    def test_ratios_are_ours_over_theirs(self) -> None:
        ours, theirs = curve((0.95, 900), (1.0, 900), ours=True, label="us"), curve((0.95, 300), (1.0, 300))
        lines = report.table([theirs, ours]).splitlines()
        self.assertTrue(lines[2].startswith("| us | 900 |"))
        self.assertIn("| x | 300 | 300 | 300 | 3.00 × | 3.00 × | 3.00 ×", lines[3])

    def test_the_picture_is_xml_and_names_every_curve(self) -> None:
        curves = [curve((0.9, 1000), (0.99, 10), label="a<b"), curve((1.0, 50), label="exact")]
        drawn = ElementTree.fromstring(picture.draw(self.results, curves))
        words = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
        self.assertIn("a<b", words)
        self.assertIn("exact", words)


if __name__ == "__main__":
    unittest.main()
