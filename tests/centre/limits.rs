//! Guessing is limited, and nobody is locked out by somebody else's guesses.

use keynode::activation::Refusal;
use keynode::activation::centre::ActivationFilter;
use keynode::activation::centre::http::FailureRules;

use super::client::{Call, Reply};
use super::served::{Asking, ITN, OTHER_ITN, Served};

const HOUR: u64 = 3_600_000;

/// The centre is told of callers by a proxy, so that a test has many addresses.
fn behind_proxy(per_code: u32, per_address: u32) -> Served {
    Served::with(
        FailureRules {
            per_code,
            per_address,
        },
        &["127.0.0.1"],
        None,
    )
}

/// Refused for a while; the result is for how long.
#[track_caller]
fn waits(reply: Reply) -> u64 {
    let reply = reply.expect(429);
    let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(Refusal::read(&reply.body), Some(Refusal::TooMany { seconds }));
    seconds
}

#[test]
fn an_address_that_fails_too_often_waits_for_the_hour_to_pass() {
    let (centre, node) = (behind_proxy(100, 3), Asking::new("one"));
    let code = centre.code();
    let sealed = node.seal(&node.activate(&code, ITN));
    for _ in 0..3 {
        centre
            .post_from("203.0.113.5", "/v1/activations", "nonsense")
            .expect(400);
        centre.clock.advance(60_000);
    }
    let right = |from: &str| centre.post_from(from, "/v1/activations", &sealed);
    assert_eq!(waits(right("203.0.113.5")), 57 * 60);
    // Neither the page nor the vendor's addresses are another way in, and the rest of the world is not concerned.
    let page = Call::new("POST", "/")
        .header("X-Forwarded-For", "203.0.113.5")
        .body("")
        .send(centre.address);
    assert_eq!(page.expect(429).header("retry-after"), Some("3420"));
    let key = centre.api_key("shop");
    let vendor = Call::new("GET", "/v1/vendor/products")
        .header("X-Forwarded-For", "203.0.113.5")
        .header("Authorization", &format!("Bearer {key}"))
        .send(centre.address);
    assert_eq!(vendor.refused(429), "EHTTPTooManyRequests");
    right("203.0.113.6").expect(201);
    centre.clock.advance(57 * 60_000);
    right("203.0.113.5").expect(200);
}

#[test]
fn successes_and_what_rightful_owners_are_refused_do_not_count() {
    let (centre, node, other) = (behind_proxy(2, 2), Asking::new("one"), Asking::new("other"));
    let code = centre.bound_code();
    let sealed = node.seal(&node.activate(&code, ITN));
    centre
        .post_from("203.0.113.5", "/v1/activations", &sealed)
        .expect(201);
    for _ in 0..5 {
        centre
            .post_from("203.0.113.5", "/v1/activations", &sealed)
            .expect(200);
        let used = other.seal(&other.activate(&code, ITN));
        centre
            .post_from("203.0.113.5", "/v1/activations", used)
            .expect(403);
    }
}

#[test]
fn whoever_guesses_the_holder_of_a_code_is_stopped_and_its_owner_is_not() {
    let (centre, node) = (behind_proxy(3, 1_000), Asking::new("one"));
    let code = centre.bound_code();
    let guess = |from: &str| {
        let wrong = node.seal(&node.activate(&code, OTHER_ITN));
        centre.post_from(from, "/v1/activations", wrong)
    };
    for _ in 0..3 {
        guess("203.0.113.5").expect(403);
    }
    waits(guess("203.0.113.5"));
    // A right guess is not told from a wrong one either.
    let right = node.seal(&node.activate(&code, ITN));
    waits(centre.post_from("203.0.113.5", "/v1/activations", &right));
    // Each further guess costs an address, and for IPv6 a whole /48.
    guess("203.0.113.6").expect(403);
    waits(guess("203.0.113.6"));
    guess("2001:db8:1:1::1").expect(403);
    waits(guess("2001:db8:1:2::1"));
    // Another code is not concerned, and the owner comes through.
    let other = centre.bound_code();
    let wrong = node.seal(&node.activate(&other, OTHER_ITN));
    centre
        .post_from("203.0.113.5", "/v1/activations", wrong)
        .expect(403);
    centre
        .post_from("198.51.100.1", "/v1/activations", &right)
        .expect(201);
    centre.clock.advance(HOUR);
    guess("203.0.113.5").expect(403);
}

#[test]
fn recovery_codes_cannot_be_guessed_either() {
    let (centre, node, thief) = (behind_proxy(2, 1_000), Asking::new("one"), Asking::new("thief"));
    let code = centre.bound_code();
    let sealed = node.seal(&node.activate(&code, ITN));
    centre
        .post_from("203.0.113.1", "/v1/activations", &sealed)
        .expect(201);
    let guess = |number: u32| {
        let mut request = thief.activate(&code, ITN);
        let text = format!("{number:020}");
        request.recovery = Some(keynode::licence::ActivationCode::parse(&text).unwrap());
        centre.post_from("203.0.113.5", "/v1/activations", thief.seal(&request))
    };
    for number in 0..2 {
        let reply = guess(number).expect(403);
        assert_eq!(Refusal::read(&reply.body), Some(Refusal::Recovery));
    }
    waits(guess(2));
}

#[test]
fn what_strangers_say_of_their_address_is_not_believed() {
    let (centre, node) = (
        Served::with(
            FailureRules {
                per_code: 100,
                per_address: 2,
            },
            &["192.0.2.1"],
            None,
        ),
        Asking::new("one"),
    );
    for number in 0..2 {
        let from = format!("203.0.113.{number}");
        centre.post_from(&from, "/v1/activations", "nonsense").expect(400);
    }
    let sealed = node.seal(&node.activate(&centre.code(), ITN));
    waits(centre.post_from("203.0.113.77", "/v1/activations", &sealed));
}

#[test]
fn the_address_that_is_written_down_is_the_callers() {
    let (centre, node) = (behind_proxy(10, 10), Asking::new("one"));
    let sealed = node.seal(&node.activate(&centre.code(), ITN));
    centre
        .post_from("10.0.0.1, 203.0.113.9", "/v1/activations", &sealed)
        .expect(201);
    let rows = centre.books().activations(&ActivationFilter::default()).unwrap();
    assert_eq!(rows[0].first_address.to_string(), "203.0.113.9");
}
