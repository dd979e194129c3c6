//! A node that is not well.

use std::sync::mpsc;

use super::TestNode;

impl TestNode {
    /// Holds up the desk, as a disk that hangs does, until what it gives is dropped.
    #[allow(dead_code, reason = "only some tests want a sick node")]
    pub(crate) fn hold_desk(&self) -> mpsc::Sender<()> {
        let (free, wait) = mpsc::channel();
        let (started, reached) = mpsc::channel();
        let held = self.running().desk.ask(move |_, _, _| {
            let _ = started.send(());
            let _ = wait.recv();
        });
        drop(held);
        reached.recv().unwrap();
        free
    }
}
