#!/usr/bin/env python3
"""Compares the drops of single channels with their Shapley values, per photo.

    ablaze explain PHOTOS --model FILE --method ablation --method shapley --json -q --out DIR | bench/study/drops.py

Prints medians with quartiles over the photos: the drops' sum as a share of the score (1 where the channels' parts
add up), the correlation of the drops with the Shapley values, and the share of each map that is 0 after its ReLU.
"""
import json
import statistics
import sys


def explained(lines):
    """Photo -> method -> what `explain --json` says."""
    photos = {}
    for line in lines:
        said = json.loads(line)
        photos.setdefault(said["input"], {})[said["method"]] = said
    return [photo for photo in photos.values() if {"ablation", "shapley"} <= photo.keys()]


def correlation(a, b):
    """Pearson's; 0 where one of them is the same everywhere."""
    try:
        return statistics.correlation(a, b)
    except statistics.StatisticsError:
        return 0.0


def zero_share(said):
    values = said["map"]["values"]
    return sum(value <= 0 for value in values) / len(values)


def tell(name, values):
    low, middle, high = statistics.quantiles(values, n=4)
    print(f"{name:42} {middle:7.3f}  [{low:.3f}, {high:.3f}]")


def main():
    photos = explained(sys.stdin)
    if len(photos) < 2:
        sys.exit("drops.py: expected at least two photos with both methods on standard input; see the top of this file")
    drops = [photo["ablation"]["drops"] for photo in photos]
    shapley = [photo["shapley"]["attributions"] for photo in photos]
    scores = [photo["ablation"]["target"]["logit"] for photo in photos]
    print(f"{len(photos)} photos, medians [quartiles]")
    tell("sum of drops / score", [sum(d) / s for d, s in zip(drops, scores)])
    tell("sum of Shapley values / score", [sum(v) / s for v, s in zip(shapley, scores)])
    tell("correlation of drops with Shapley values", [correlation(d, v) for d, v in zip(drops, shapley)])
    for method in ("ablation", "shapley"):
        tell(f"share of zeros in the map, {method}", [zero_share(photo[method]) for photo in photos])
    print(f"sum of drops below zero: {100 * sum(sum(d) < 0 for d in drops) / len(drops):.1f} % of photos")


if __name__ == "__main__":
    main()
