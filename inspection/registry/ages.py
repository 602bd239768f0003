"""Ages that law sets for the whole country, so that no rule set may change them."""

from typing import Final

GUARDIAN_CONSENTS_UNDER: Final = 14  # 个人信息保护法 31
ADULT_FROM: Final = 18  # 民法典 17
