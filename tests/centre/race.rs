//! Many nodes want one code.

use std::sync::{Arc, Barrier};

use keynode::activation::centre::{ActivationFilter, Answer};
use keynode::activation::{Action, Refusal};

use crate::world::{Node, World, licence};

const NODES: usize = 200;
const THREADS: usize = 8;

#[test]
fn of_200_nodes_that_race_for_a_code_one_gets_a_licence() {
    let mut world = World::new();
    let code = world.issue().code;
    let mut nodes: Vec<Node> = (0..NODES).map(|_| Node::new()).collect();
    let start = Arc::new(Barrier::new(THREADS));
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = nodes
            .chunks_mut(NODES / THREADS)
            .map(|nodes| {
                let (start, centre, code) = (start.clone(), world.centre.clone(), &code);
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    start.wait();
                    let all = nodes
                        .iter_mut()
                        .map(|node| node.ask(&centre, Action::Activate, code));
                    runtime.block_on(futures_util::future::join_all(all))
                })
            })
            .collect();
        let ended = threads.into_iter().flat_map(|thread| thread.join().unwrap());
        ended.collect()
    });
    let (given, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    let given: Vec<Answer> = given.into_iter().map(Result::unwrap).collect();
    assert_eq!(given.len(), 1);
    assert!(matches!(given[0], Answer::Licence { new: true, .. }));
    assert_eq!(licence(&given[0]).activation_code, Some(code));
    assert_eq!(refused.len(), NODES - 1);
    assert!(refused.iter().all(|refusal| *refusal == Err(Refusal::Used)));
    let rows = world.books.activations(&ActivationFilter::default()).unwrap();
    assert_eq!(rows.len(), 1);
}
