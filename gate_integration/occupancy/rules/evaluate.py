"""The one entry: evidence of a household in, suspicions and reasons out. Same values in, same values out."""

from datetime import date

from gate_integration.occupancy.rules import explain
from gate_integration.occupancy.rules.evidence import HouseholdEvidence
from gate_integration.occupancy.rules.lent import judge_lent
from gate_integration.occupancy.rules.long_stay import judge_long_stay, judge_sublet, survey
from gate_integration.occupancy.rules.outcome import Discrepancy, Evaluation, Rule
from gate_integration.occupancy.rules.parameters import Parameters
from gate_integration.occupancy.rules.vacancy import judge_vacancy


def evaluate(evidence: HouseholdEvidence, parameters: Parameters, today: date) -> Evaluation:
    """Run every rule on what was known by the morning of `today` (local date).

    A rule is raised at most once per household. With an open care tag none is: care comes first (design §5).
    """
    if any(tag.open_on(today) for tag in evidence.care):
        return Evaluation(discrepancies=(), not_raised=tuple(explain.not_raised(rule, "care-first") for rule in Rule))
    found = survey(evidence, parameters, today)
    answers = (
        judge_sublet(evidence, found, parameters, today),
        judge_long_stay(found, parameters),
        judge_lent(evidence, parameters, today),
        judge_vacancy(evidence, parameters, today),
    )
    return Evaluation(
        discrepancies=tuple(answer for answer in answers if isinstance(answer, Discrepancy)),
        not_raised=tuple(why for answer in answers if not isinstance(answer, Discrepancy) for why in answer),
    )
