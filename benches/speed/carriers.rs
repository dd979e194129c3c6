//! How soon carriers on tokens are proven: 100 keys on four SoftHSM2 tokens, each module in a process of its own.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use keynode::devices::token_carriers::CARRIER_LABEL;
use keynode::devices::{CarrierState, TokenCarriers};
use keynode::node::token_rules;
use keynode::tokens::{KeyKind, NewKey, Operation, TokensHandle, Workers};

use super::cores::Cores;
use super::hsm::softhsm::SoftHsm;
use super::report::Row;
use super::{Effort, Outcome, median};

const TOKENS: [&str; 4] = ["one", "two", "three", "four"];
const KEYS_OF_EACH: u8 = 25;
const TARGET: Duration = Duration::from_secs(1);

pub(crate) fn measure(effort: &Effort, _cores: &Cores) -> Outcome<Vec<Row>> {
    let hsm = SoftHsm::new(&TOKENS);
    let settings: BTreeMap<_, _> = (TOKENS.iter())
        .map(|label| ((*label).to_owned(), hsm.settings(label)))
        .collect();
    let workers = Workers {
        program: env!("CARGO_BIN_EXE_keynode").into(),
        state_dir: None,
    };
    let tokens = TokensHandle::start(token_rules(&settings, None), workers);
    tokens.rescan();
    make_keys(&tokens)?;
    let mut times = Vec::new();
    for _ in 0..effort.rounds {
        times.push(prove_all(&tokens)?.as_secs_f64());
    }
    tokens.stop();
    let keys = TOKENS.len() * usize::from(KEYS_OF_EACH);
    Ok(vec![Row::below(
        format!("carrier proofs of {keys} token keys, in parallel by module (SoftHSM2)"),
        TARGET,
        Duration::from_secs_f64(median(times)),
        format!(
            "P-256 on {} tokens, from the start of their thread with its look at the tokens; median of {}",
            TOKENS.len(),
            effort.rounds
        ),
    )])
}

fn make_keys(tokens: &TokensHandle) -> Outcome<()> {
    for label in TOKENS {
        for id in 0..KEYS_OF_EACH {
            let create = Operation::CreateKey {
                id: vec![id],
                label: CARRIER_LABEL.into(),
                key: NewKey::Generated(KeyKind::EcP256),
            };
            tokens.perform_and_wait(label, create)?;
        }
    }
    Ok(())
}

/// Has all keys prove themselves as a node that starts does.
fn prove_all(tokens: &TokensHandle) -> Outcome<Duration> {
    let started = Instant::now();
    let carriers = TokenCarriers::start(tokens.clone(), Duration::ZERO, || ());
    carriers.rescan(Duration::from_secs(30));
    let took = started.elapsed();
    let hardware = carriers.hardware();
    carriers.stop();
    let proven = (hardware.carriers.iter()).filter(|carrier| carrier.state == CarrierState::Proven);
    match proven.count() {
        count if count == TOKENS.len() * usize::from(KEYS_OF_EACH) => Ok(took),
        count => Err(format!("only {count} keys are proven").into()),
    }
}
