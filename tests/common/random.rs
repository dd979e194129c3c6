//! Random numbers that come again with their seed, for tests that try what nobody thought of.

/// The environment variable that has a run repeated.
const SEED: &str = "KEYNODE_TEST_SEED";

/// Numbers that only their seed decides.
pub(crate) struct Random(u64);

impl Random {
    /// From the seed in the environment, or from one that is printed; with that seed.
    pub(crate) fn seeded() -> (Self, u64) {
        let given = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            u64::from(now.unwrap().subsec_nanos())
        });
        println!("seed: {SEED}={seed}");
        (Self(seed), seed)
    }

    /// For somebody else, from a number of this one's.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.below(u64::MAX))
    }

    /// A number below the limit.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
