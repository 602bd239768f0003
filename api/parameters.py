"""Query parameters that many routes take."""

from typing import Annotated

from litestar.params import QueryParameter

Text = Annotated[str | None, QueryParameter(max_length=64)]
Why = Annotated[str, QueryParameter(min_length=4, max_length=1000, description="查看理由 / why it is looked at")]
