"""What schemathesis has to know of this API that no schema says."""

import schemathesis
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

# What is asked of a request beyond its shape, in the words of the refusal.
BEYOND_SHAPE = (
    # A number has no format, and an ITN may be sent as one; a whole number has no count of digits.
    "the check digits of this ITN are wrong",
    "an ITN has 10 or 12 digits",
    # A whole number may be sent as a text too, which no schema limits.
    "expected null or a whole number",
    "expected a whole number",
    "expected the number of an area of data",
    # Something that is there already.
    "no organisation has this OmsId",
    # Of the organisation in the address.
    "ITN: expected that of the address",
    # One of two has to be said, and an empty text says nothing.
    "are missing: expected one",
    # A text with JSON in it.
    "is no JSON object",
    # Only where it is the operator who is asked.
    "OmsId is missing",
    # Only where there is no text with JSON, in which it may be.
    "Address is empty",
    "RequestJSON is missing, and so is Address",
    # A field that belongs to one kind of order.
    "SubscriberID: it is what is asked for",
    "SubscriberID is empty: a certificate is added",
    # Of a text of one line, without the blanks around it.
    "has control characters",
    "characters that HTTP does not carry",
    "The name of a rule has 1 to 128 characters",
    # An address, whose host decides whether it may be plain HTTP.
    "expected true, false, or an address",
    # In either of two codings, of one length.
    "a thumbprint has 40 hexadecimal digits",
    # Words of either alphabet in any case.
    "TokenType: expected one of",
    # What the portal takes for a login.
    "expected a login of the support portal",
)

WEIGHTS = {
    10: [[2, 4, 10, 3, 5, 9, 4, 6, 8]],
    12: [[7, 2, 4, 10, 3, 5, 9, 4, 6, 8], [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]],
}


def with_check_digits(digits):
    """An ITN of 10 or 12 digits, of which 9 or 10 are given."""
    for weights in WEIGHTS[10 if len(digits) == 9 else 12]:
        digits += str(sum(int(digit) * weight for digit, weight in zip(digits, weights)) % 11 % 10)
    return digits


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
    if not any(words in refusal for words in BEYOND_SHAPE):
        return positive_data_acceptance(ctx, response, case)
