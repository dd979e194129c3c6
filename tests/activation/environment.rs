//! The environment's proxies, as a process gets them.

use crate::centre::{FakeCentre, Heard, Reply, honest};
use crate::first::order;
use crate::harness::Node;
use crate::state::State;

/// What a process with these variables answers to a code, where this centre is set.
fn activate(url: &str, variables: &[(&str, &str)]) -> u16 {
    let state = State::new();
    let mut command = state.serve(&["--activation-centre", url]);
    command.envs(variables.iter().copied());
    let node = Node::start(command);
    let answer = node
        .client()
        .call("POST", "/api/licences", &order().to_string())
        .unwrap();
    answer.status
}

#[test]
fn the_environment_names_proxies_and_what_needs_none() {
    let (centre, proxy) = (FakeCentre::start(), FakeCentre::start());
    let (url, address, host) = (centre.url(), proxy.url(), centre.url());
    proxy.script(move |heard| {
        let line = heard.line.replace(&host, "");
        honest(&Heard {
            line,
            ..heard.clone()
        })
    });
    assert_eq!(activate(&url, &[("HTTP_PROXY", &address)]), 201);
    assert_eq!((centre.heard().len(), proxy.heard().len()), (0, 1));
    assert_eq!(proxy.heard()[0].line, format!("POST {url}/v1/activations"));

    proxy.script(|_| Reply::Hang);
    assert_eq!(
        activate(&url, &[("HTTP_PROXY", &address), ("NO_PROXY", "localhost")]),
        201
    );
    assert_eq!((centre.heard().len(), proxy.heard().len()), (1, 1));
    assert_eq!(activate(&url, &[("HTTPS_PROXY", &address)]), 201);
    assert_eq!((centre.heard().len(), proxy.heard().len()), (2, 1));
}
