"""What schemathesis has to know of this API that no schema says."""

import json

import schemathesis
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

# What is asked of a request beyond its shape, in the words of the refusal, and of which operations.
BEYOND_SHAPE = {
    # Check digits are a format, which not every value that is tried has.
    "the check digits of this ITN are wrong": ("/crpt/", "/ismp/", "/licences", "/organizations/", "/taxcom/"),
    # Of the organisation in the address.
    "ITN: expected that of the address": ("PUT /api/organizations/{ITN}",),
    # A text with JSON in it is a format, too.
    "RequestJSON is no JSON object": ("POST /api/crpt/connections",),
    # What only an organisation that is kept here knows.
    "no organisation has this OmsId": ("POST /api/crpt/connections",),
    # What only a certificate that is here tells.
    "ITN is missing, and no certificate that is here tells it": ("/api/taxcom/",),
    # Only where it is the operator who is asked.
    "OmsId is missing": ("/api/crpt/connections",),
    # An address, whose host decides whether it may be plain HTTP.
    "expected true, false, or an address": ("POST /api/taxcom/processes",),
}


def is_beyond_shape(refusal, label):
    return any(words in refusal and any(of in label for of in labels) for words, labels in BEYOND_SHAPE.items())


def has_whole_fraction(value):
    """Whether there is a number such as 7.0, which is whole to JSON Schema, and none to the node."""
    if isinstance(value, (dict, list)):
        return any(map(has_whole_fraction, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and value.is_integer()


WEIGHTS = {
    10: [[2, 4, 10, 3, 5, 9, 4, 6, 8]],
    12: [[7, 2, 4, 10, 3, 5, 9, 4, 6, 8], [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]],
}


def with_check_digits(digits):
    """An ITN of 10 or 12 digits, of which 9 or 10 are given."""
    for weights in WEIGHTS[10 if len(digits) == 9 else 12]:
        digits += str(sum(int(digit) * weight for digit, weight in zip(digits, weights)) % 11 % 10)
    return digits


schemathesis.openapi.format("json-object", st.dictionaries(st.text(), st.text() | st.integers()).map(json.dumps))
schemathesis.openapi.format(
    "itn",
    st.one_of(
        st.from_regex(r"[1-9][0-9]{8}", fullmatch=True), st.from_regex(r"[1-9][0-9]{9}", fullmatch=True)
    ).map(with_check_digits),
)


@schemathesis.check
def unsupported_method_as_the_manual_has_it(ctx, response, case):
    """The manual wants 501 where schemathesis wants 405, and an Allow header all the same."""
    declared = {method.upper() for method in case.operation.schema[case.operation.path]}
    method = response.request.method
    if method in declared or method == "HEAD" and "GET" in declared:
        assert response.status_code != 501, f"{method} is described, and not implemented"
    elif response.status_code not in (401, 403, 404):
        assert response.status_code == 501, f"{method} is not described, and answered with {response.status_code}"
        allowed = set(", ".join(response.headers.get("allow", [])).split(", ")) - {"HEAD"}
        described = {method for method in declared if method in ("GET", "PUT", "POST", "DELETE")}
        assert allowed == described, f"allowed are {allowed}, described are {described}"


@schemathesis.check
def accepted_unless_more_is_asked(ctx, response, case):
    """`positive_data_acceptance`, which knows nothing but shapes, with the rules above."""
    refusal = response.text if response.status_code == 400 else ""
    if not (refusal and (is_beyond_shape(refusal, case.operation.label) or has_whole_fraction(case.body))):
        return positive_data_acceptance(ctx, response, case)
