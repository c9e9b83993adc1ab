"""Every charge of the server worked out a second time from what is stored with it:
quantities and version of the price. In fractions, and by nobody who wrote the first."""

import collections
import json
import math
import os
import sqlite3
import unittest
from fractions import Fraction

PICO = 10**12


def pico(price):
    """A price of the table is in pico-USD, one of a tier in USD as text."""
    return Fraction(price) * PICO if isinstance(price, str) else Fraction(price)


def rates(version, prompt_tokens):
    """The prices in force for a prompt of this length, with what stands for those that are missing."""
    crossed = [tier for tier in json.loads(version["tiers"]) if prompt_tokens > tier["above_prompt_tokens"]]
    tier = max(crossed, key=lambda tier: tier["above_prompt_tokens"], default=None)

    def first(*candidates):
        return next(pico(candidate) for candidate in candidates if candidate is not None)

    prompt = first(tier and tier["prompt"], version["prompt"])
    completion = first(tier and tier["completion"], version["completion"])
    hour = tier.get("input_cache_write_1h") if tier else version["input_cache_write_1h"]
    return {
        "prompt": prompt,
        "completion": completion,
        "cached": first(tier and tier["input_cache_read"], version["input_cache_read"], prompt),
        "written": first(tier and tier["input_cache_write"], version["input_cache_write"], prompt),
        "written_1h": pico(hour) if hour is not None else 2 * prompt,
        "audio": first(version["audio"], prompt),
        "audio_output": first(version["audio_output"], completion),
        "reasoning": first(version["internal_reasoning"], completion),
    }


def divided(total, parts, rest):
    """What `total` tokens cost of which so many have a price of their own; no part is
    larger than what is left."""
    cost = Fraction(0)
    for count, price in parts:
        taken = min(count or 0, total)
        total -= taken
        cost += taken * price
    return cost + total * rest


def list_price(row, version):
    """nano-USD of the model, rounded once, half up, and of the search beside it."""
    other = json.loads(row["other_usage"] or "{}")
    price = rates(version, row["prompt_tokens"])
    written_1h = row["cache_write_1h_tokens"]
    picos = divided(
        other.get("billed_prompt_tokens", row["prompt_tokens"]),
        [
            (row["cached_tokens"], price["cached"]),
            (written_1h, price["written_1h"]),
            (max(row["cache_write_tokens"] - written_1h, 0), price["written"]),
            (other.get("prompt_audio_tokens"), price["audio"]),
        ],
        price["prompt"],
    )
    picos += divided(
        other.get("billed_completion_tokens", row["completion_tokens"]),
        [(row["reasoning_tokens"], price["reasoning"]), (other.get("completion_audio_tokens"), price["audio_output"])],
        price["completion"],
    )
    picos += other.get("web_search_requests", 0) * pico(version["web_search"])
    picos += other.get("searches", 1) * pico(version["request"])
    return math.floor(picos / 1000 + Fraction(1, 2)), other.get("web_search", {}).get("nanos", 0)


class Charges(unittest.TestCase):
    def test_every_charge_follows_from_its_quantities_and_its_version_of_the_price(self):
        database = sqlite3.connect(f"file:{os.environ['END2END_DATABASE']}?mode=ro", uri=True)
        database.row_factory = sqlite3.Row
        versions = {row["id"]: row for row in database.execute("SELECT * FROM prices")}
        overruns = collections.Counter()
        for row in database.execute("SELECT id, amount_nanos FROM transfers WHERE kind = 'overrun'"):
            overruns[row["id"].split(":")[0]] += row["amount_nanos"]
        checked, wrong = 0, []
        for row in database.execute("SELECT * FROM generations WHERE price_id <> ''"):
            # What servers of this machine offer is in no list, and free.
            version = versions.get(row["price_id"])
            model, search = list_price(row, version) if version else (0, 0)
            listed = model + search
            expected = listed - model * row["discount_basis_points"] // 10_000
            charged = row["cost_nanos"] + overruns[row["id"]]
            failed = row["error"] is not None or row["finish_reason"] in (None, "error")
            if charged == 0 and failed:
                continue
            checked += 1
            if row["upstream_cost_nanos"] != listed or charged > listed:
                wrong.append((row["id"], listed, row["upstream_cost_nanos"], charged))
            if not row["own_key_id"] and charged != expected:
                wrong.append((row["id"], expected, charged))
        self.assertEqual(wrong, [])
        self.assertGreater(checked, 1000, "the demo has traffic of sixty days")


if __name__ == "__main__":
    unittest.main()
