//! SoftHSM2 behind a module that does wrong what a test wants.

use std::fs;
use std::time::Duration;

use keynode::settings;

use super::modules::module;
use super::softhsm::SoftHsm;

/// A token "one" with an RSA key 1.
pub(crate) struct Faulty {
    pub(crate) hsm: SoftHsm,
}

impl Faulty {
    pub(crate) fn new() -> Self {
        let hsm = SoftHsm::new(&["one"]);
        hsm.make_key("one", "rsa:2048", 1, "answers");
        fs::create_dir(hsm.path().join("faulty")).unwrap();
        let own = Self { hsm };
        own.will("");
        own
    }

    /// Its settings; what hangs is ended soon.
    pub(crate) fn settings(&self) -> settings::Token {
        let mut token = self.hsm.settings("one");
        token.module = module("faulty_module");
        let directory = self.hsm.path().join("faulty").to_str().unwrap().to_owned();
        token.environment.insert("FAULTY_DIR".into(), directory);
        token.timeout = Duration::from_secs(1);
        token
    }

    /// The same where nothing hangs: however busy the computer is, nothing is late.
    pub(crate) fn patient_settings(&self) -> settings::Token {
        let mut token = self.settings();
        token.timeout = Duration::from_mins(2);
        token
    }

    /// From now on it does this wrong: `C_Sign crash`, or `once C_Sign crash`.
    pub(crate) fn will(&self, faults: &str) {
        let directory = self.hsm.path().join("faulty");
        // All at once: the module reads it at any time.
        fs::write(directory.join("new"), faults).unwrap();
        fs::rename(directory.join("new"), directory.join("faults")).unwrap();
    }

    /// Whether what it was to do once has begun.
    pub(crate) fn has_begun(&self) -> bool {
        !self.hsm.path().join("faulty/faults").exists()
    }

    /// How often a function was called.
    pub(crate) fn calls(&self, function: &str) -> usize {
        let calls = fs::read_to_string(self.hsm.path().join("faulty/calls")).unwrap_or_default();
        calls.lines().filter(|line| *line == function).count()
    }
}
