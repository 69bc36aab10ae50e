//! Everything that is left to chance, from one seed.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// The only source of randomness in a world.
#[derive(Debug)]
pub(crate) struct Chance(ChaCha8Rng);

impl Chance {
    /// The stream that belongs to `seed`: the same on every machine.
    pub(crate) fn new(seed: u64) -> Self {
        Chance(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        let span = high.saturating_sub(low).saturating_add(1);
        low + ((u128::from(self.0.next_u64()) * u128::from(span)) >> 64) as u64
    }

    /// True with probability `p`. Draws nothing when the answer is certain.
    pub(crate) fn happens(&mut self, p: f64) -> bool {
        if p <= 0.0 {
            return false;
        }
        p >= 1.0 || f64::from(self.0.next_u32()) < p * f64::from(u32::MAX)
    }
}
