"""What the system made of the two months, read through the API as the manager and the administrator see it."""

from typing import Any

from api.demo import estate
from api.demo.furnish import Furnished
from api.demo.people import Player

REASON = "演示：核对识别结果"
NOT_ACCUSED = "not accused"


def collect(chief: Player, found: Furnished) -> dict[str, Any]:
    """Counts, sightings of the story's flats, discrepancies, and who is not accused and why.

    `texts_en` holds English explanations by household and rule (or `NOT_ACCUSED`), for the narrator alone.
    """
    manager = found.players["manager"]
    counts = chief.get(f"/estates/{found.estate_id}/counts")
    numbers = {household_id: number for number, household_id in found.households.items()}
    names = {person_id: name for name, person_id in found.persons.items()}
    matched, unmatched = sightings(manager, found, names)
    standing = manager.all("/discrepancies", limit=200)
    shown = [row for row in standing if row["part_of"] is None]
    accused = {numbers[row["household_id"]] for row in standing}
    silent = {number: why(manager, found.households[number]) for number in estate.STORY if number not in accused}
    return {
        "duplicates_dropped": counts["duplicates"],
        "sightings": counts["sightings"],
        "matched": matched,
        "unmatched": unmatched,
        "discrepancies": [
            {"household": numbers[row["household_id"]], "rule": row["rule"], "severity": row["severity"],
             "terms": row["terms"], "explanation_zh": row["explanation_zh"], "event_ids": row["event_ids"]}
            for row in shown
        ],
        "not_accused": [{"household": number, "why": zh} for number, (zh, _) in silent.items()],
        "texts_en": {
            **{(numbers[row["household_id"]], row["rule"]): row["explanation_en"] for row in shown},
            **{(number, NOT_ACCUSED): en for number, (_, en) in silent.items()},
        },
    }  # fmt: skip


def sightings(
    manager: Player, found: Furnished, names: dict[str, str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Faces that our own engine saw at the story's flats: registered people, and pseudonyms."""
    matched, unmatched = [], []
    for number in estate.STORY:
        rows = manager.all(
            f"/units/{found.units[number]}/sightings", limit=200, purpose="tenancy_compliance", reason=REASON,
            since="2026-03-01T00:00:00+08:00",
        )  # fmt: skip
        for row in rows:
            if row["source"] == "face" and row["band"] == "match":
                matched.append(
                    {
                        "person": names[row["person_id"]],
                        "event_id": row["pass_event_id"],
                        "score": round(row["score"], 3),
                    }
                )
            elif row["pseudonym"] is not None:
                unmatched.append({"pseudonym": f"P{row['pseudonym']}", "event_id": row["pass_event_id"]})
    return matched, unmatched


def why(manager: Player, household_id: str) -> tuple[str, str]:
    """The reasons for silence in Chinese and English, each once."""
    notes = manager.get(f"/households/{household_id}/not-raised")
    zh, en = (" ".join(dict.fromkeys(note[key] for note in notes)) for key in ("why_zh", "why_en"))
    return zh, en
