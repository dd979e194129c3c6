//! A licence file is a JWS that anybody can read: split, decoded and verified with openssl alone.

use std::fs;

use crate::harness::sh;
use crate::state::State;

/// $1 is the licence, $2 the vendor's public key. Prints header and payload.
const READ: &str = r#"
    unpack() { # base64url without padding, RFC 7515 section 2
        text=$(printf %s "$1" | tr -- -_ +/)
        while [ $((${#text} % 4)) != 0 ]; do text="$text="; done
        printf %s "$text" | openssl base64 -d -A
    }
    IFS=. read -r header payload signature <"$1"
    printf %s.%s "$header" "$payload" >signed
    unpack "$signature" >signature
    openssl dgst -sha256 -verify "$2" -signature signature signed >&2
    unpack "$header"; echo
    unpack "$payload"; echo
"#;

#[test]
fn openssl_alone_reads_and_verifies_a_licence() {
    let state = State::new();
    let fields = [
        "--product-name",
        "Тестовая серия",
        "--computer",
        "self",
        "--seats",
        "7",
    ];
    let licence = state.issue(7_131_766, &fields);
    let (file, key) = (licence.to_str().unwrap(), state.text("vendor/vendor.pem"));
    let done = sh(READ, &[file, &key], &state.path(""));
    assert!(done.err.contains("Verified OK"), "{done:?}");
    let out = done.ok();
    let (header, payload) = out.trim_end().split_once('\n').unwrap();
    let header: serde_json::Value = serde_json::from_str(header).unwrap();
    assert_eq!(header["alg"], "RS256");
    assert_eq!(header["typ"], "licence+jws");
    assert!(header["kid"].is_string(), "{header}");
    let payload: serde_json::Value = serde_json::from_str(payload).unwrap();
    assert_eq!(payload["KeyNo"], 7_131_766);
    assert_eq!(payload["LicenceCount"], 7);
    assert_eq!(payload["ProductName"], "Тестовая серия");
    assert!(
        payload["binding"]["computer"]["components"].is_array(),
        "{payload}"
    );

    // One bit of the payload, and openssl says no.
    let mut text = fs::read_to_string(&licence).unwrap();
    let place = text.find('.').unwrap() + 10;
    let other = if &text[place..=place] == "A" { "B" } else { "A" };
    text.replace_range(place..=place, other);
    fs::write(&licence, text).unwrap();
    assert_ne!(sh(READ, &[file, &key], &state.path("")).code, 0);
}
