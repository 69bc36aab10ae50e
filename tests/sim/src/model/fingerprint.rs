//! 128 bits that name a value.

use std::hash::{Hash, Hasher};

/// Two lanes of 64 bits, mixed word by word.
///
/// Two of ten million values have the same name with a probability below
/// 10^-24: they are not told apart then, and one of them is not explored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fingerprint {
    one: u64,
    other: u64,
}

impl Fingerprint {
    /// The name of a value.
    pub(super) fn of(value: &(impl Hash + ?Sized)) -> u128 {
        let mut it = Fingerprint { one: 0x243f_6a88_85a3_08d3, other: 0x1319_8a2e_0370_7344 };
        value.hash(&mut it);
        u128::from(mixed(it.one ^ it.other.rotate_left(29))) << 64 | u128::from(mixed(it.other))
    }

    fn word(&mut self, word: u64) {
        self.one = mixed(self.one ^ word);
        self.other = mixed(self.other.wrapping_add(word).wrapping_mul(0x9fb2_1c65_1e98_df25));
    }
}

/// The finaliser of SplitMix64: each bit of the input changes half of the output.
fn mixed(word: u64) -> u64 {
    let mut z = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
        self.word(bytes.len() as u64);
    }

    fn write_u8(&mut self, it: u8) {
        self.word(it.into());
    }

    fn write_u16(&mut self, it: u16) {
        self.word(it.into());
    }

    fn write_u32(&mut self, it: u32) {
        self.word(it.into());
    }

    fn write_u64(&mut self, it: u64) {
        self.word(it);
    }

    fn write_usize(&mut self, it: usize) {
        self.word(it as u64);
    }

    fn finish(&self) -> u64 {
        self.one
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_differ_in_one_place_have_other_names() {
        let mut names = std::collections::BTreeSet::new();
        for number in 0..2_000u32 {
            names.insert(Fingerprint::of(&number));
            names.insert(Fingerprint::of(&format!("state {number}")));
            names.insert(Fingerprint::of(&vec![0u8; number as usize]));
        }
        assert_eq!(names.len(), 6_000);
    }
}
