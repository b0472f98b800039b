"""What every section of the configuration shares: strictness, and names for common ranges."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

Count = Annotated[int, Field(ge=0)]
PositiveCount = Annotated[int, Field(ge=1)]
# Of one cluster an image keeps one detection, and pairs of views want two keypoints.
LandmarkCount = Annotated[int, Field(ge=2)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
NotNegative = Annotated[float, Field(ge=0.0)]
Positive = Annotated[float, Field(gt=0.0)]


def _in_order(limits: tuple[float, float]) -> tuple[float, float]:
    if limits[0] > limits[1]:
        raise ValueError(f"{list(limits)} begins above its end")
    return limits


Range = Annotated[tuple[float, float], AfterValidator(_in_order)]
Factors = Annotated[tuple[Positive, Positive], AfterValidator(_in_order)]
Shares = Annotated[tuple[Fraction, Fraction], AfterValidator(_in_order)]


def blur_within(most_px: float) -> AfterValidator:
    """Refuse a range of sigmas that a blur's kernel is too small for."""

    def check(limits: tuple[float, float]) -> tuple[float, float]:
        if limits[0] < 0 or limits[1] > most_px:
            raise ValueError(f"{list(limits)} isn't within 0 and {most_px}")
        return limits

    return AfterValidator(check)


def _written_out(value: object) -> object:
    # YAML reads `experiment: 2024` as a number, and 2024-05-06 as a date.
    return str(value) if type(value) in (int, date) else value


Name = Annotated[str, BeforeValidator(_written_out)]

BOOLEAN_FOR_NUMBER = "boolean_for_number"


class Section(BaseModel):
    """Refuse unknown keys and later changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 - whatever is given
        # To Python, true is the number 1, and to YAML, yes and no are true and false.
        given = value if isinstance(value, list | tuple) else (value,)
        if any(isinstance(one, bool) for one in given):
            kinds = set(_plain_types(cls.model_fields[str(info.field_name)].annotation))
            if kinds & {int, float} and bool not in kinds:
                raise PydanticCustomError(BOOLEAN_FOR_NUMBER, "true or false where a number belongs")
        return value


def _plain_types(annotation: Any) -> Iterator[Any]:  # noqa: ANN401 - any annotation of a field
    parts = get_args(annotation)
    if not parts:
        yield annotation
    for part in parts:
        yield from _plain_types(part)
