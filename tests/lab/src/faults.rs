//! The faults a cable can have. Pure.
//!
//! A frame passes up to three wires: out of the sender's port, along the pair
//! of ports, and into the receiver's port. Each wire can have its own faults.

use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

use anyhow::{Result, anyhow, bail, ensure};

use crate::plan::Port;

/// How long a frame is held back so that later ones overtake it.
pub const REORDER_HOLD: Duration = Duration::from_millis(5);

const WORDS: &str = "cut, deaf, mute, carrier, loss=20%, delay=50ms, reorder=10%, \
                     duplicate=10%, no-multicast, max-frame=600";

/// One fault, as it is written on the command line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nothing passes, either way; the carrier stays.
    Cut,
    /// Nothing reaches the node.
    Deaf,
    /// Nothing leaves the node.
    Mute,
    /// The cable is pulled: no carrier.
    Carrier,
    /// Frames get lost.
    Loss(Chance),
    /// Frames take longer.
    Delay(Duration),
    /// Some frames are overtaken.
    Reorder(Chance),
    /// Some frames arrive twice.
    Duplicate(Chance),
    /// Multicast is lost; unicast passes, and what it needs: broadcast, and IPv6
    /// neighbour solicitations.
    NoMulticast,
    /// Longer frames are lost.
    MaxFrame(usize),
}

/// A probability in millionths.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Chance(u32);

impl Chance {
    const ONE: u32 = 1_000_000;

    fn happens(self, dice: &mut Dice) -> bool {
        // The usual case costs no throw.
        self.0 > 0 && dice.throw() % u64::from(Chance::ONE) < u64::from(self.0)
    }
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / f64::from(Chance::ONE / 100))
    }
}

impl FromStr for Fault {
    type Err = anyhow::Error;

    fn from_str(word: &str) -> Result<Fault> {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        let plain = |fault| match value {
            None => Ok(fault),
            Some(value) => bail!("fault {name}={value}: {name} takes no value"),
        };
        let given = |example: &str| {
            value.ok_or_else(|| anyhow!("fault {name}: expected a value, as in {example}"))
        };
        match name {
            "cut" => plain(Fault::Cut),
            "deaf" => plain(Fault::Deaf),
            "mute" => plain(Fault::Mute),
            "carrier" => plain(Fault::Carrier),
            "no-multicast" => plain(Fault::NoMulticast),
            "loss" => Ok(Fault::Loss(chance(name, given("loss=20%")?)?)),
            "reorder" => Ok(Fault::Reorder(chance(name, given("reorder=10%")?)?)),
            "duplicate" => Ok(Fault::Duplicate(chance(name, given("duplicate=10%")?)?)),
            "delay" => Ok(Fault::Delay(duration(name, given("delay=50ms")?)?)),
            "max-frame" => Ok(Fault::MaxFrame(frame_size(given("max-frame=600")?)?)),
            _ => bail!("no fault {word:?}: expected one of {WORDS}"),
        }
    }
}

fn chance(name: &str, value: &str) -> Result<Chance> {
    let percent: f64 = value
        .strip_suffix('%')
        .and_then(|number| number.parse().ok())
        .filter(|percent| (0.0..=100.0).contains(percent))
        .ok_or_else(|| {
            anyhow!("fault {name}={value}: expected 0% to 100%, with the sign, as in {name}=20%")
        })?;
    Ok(Chance((percent * f64::from(Chance::ONE / 100)).round() as u32))
}

fn duration(name: &str, value: &str) -> Result<Duration> {
    parse_duration(value).filter(|d| *d <= Duration::from_secs(60)).ok_or_else(|| {
        anyhow!("fault {name}={value}: expected a time up to 60s with its unit: us, ms or s")
    })
}

/// Reads a duration with its unit: `250ms`, `10s`, `10m`, `1h`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    match &text[digits..] {
        "us" => Some(Duration::from_micros(number)),
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        "h" => Some(Duration::from_secs(number.checked_mul(3600)?)),
        _ => None,
    }
}

fn frame_size(value: &str) -> Result<usize> {
    value.parse().ok().filter(|size| (14..=65_535).contains(size)).ok_or_else(|| {
        anyhow!("fault max-frame={value}: expected 14 to 65535 bytes, Ethernet header included")
    })
}

/// A small generator of repeatable dice throws (splitmix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Starts a sequence: the same seed gives the same throws.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// The faults of one direction of a wire.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Wire {
    blocked: bool,
    loss: Chance,
    delay: Duration,
    reorder: Chance,
    duplicate: Chance,
    no_multicast: bool,
    size_max: Option<usize>,
}

/// What became of a frame on a wire.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Passage {
    /// How much later it arrives.
    pub delay: Duration,
    /// Whether it arrives twice.
    pub twice: bool,
}

/// Broadcast is none, nor what IPv6 asks for an address with, in place of a
/// broadcast: without that there is no unicast either.
fn is_multicast(frame: &[u8]) -> bool {
    frame[0] & 1 == 1 && frame[..6] != [0xff; 6] && frame[..3] != [0x33, 0x33, 0xff]
}

impl Wire {
    /// Sends one frame along; `None` when it is lost.
    pub fn pass(&self, frame: &[u8], dice: &mut Dice) -> Option<Passage> {
        let lost = self.blocked
            || (self.no_multicast && is_multicast(frame))
            || self.size_max.is_some_and(|max| frame.len() > max)
            || self.loss.happens(dice);
        if lost {
            return None;
        }
        let hold = if self.reorder.happens(dice) { REORDER_HOLD } else { Duration::ZERO };
        Some(Passage { delay: self.delay + hold, twice: self.duplicate.happens(dice) })
    }

    fn set(&mut self, fault: Fault) {
        match fault {
            Fault::Cut | Fault::Deaf | Fault::Mute => self.blocked = true,
            // Kept with the port: a wire has no carrier.
            Fault::Carrier => {}
            Fault::Loss(chance) => self.loss = chance,
            Fault::Delay(delay) => self.delay = delay,
            Fault::Reorder(chance) => self.reorder = chance,
            Fault::Duplicate(chance) => self.duplicate = chance,
            Fault::NoMulticast => self.no_multicast = true,
            Fault::MaxFrame(size) => self.size_max = Some(size),
        }
    }

    fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.loss.0 > 0 {
            words.push(format!("loss={}", self.loss));
        }
        if !self.delay.is_zero() {
            words.push(format!("delay={:?}", self.delay));
        }
        if self.reorder.0 > 0 {
            words.push(format!("reorder={}", self.reorder));
        }
        if self.duplicate.0 > 0 {
            words.push(format!("duplicate={}", self.duplicate));
        }
        if self.no_multicast {
            words.push("no-multicast".into());
        }
        if let Some(size) = self.size_max {
            words.push(format!("max-frame={size}"));
        }
        words
    }
}

#[derive(Clone, PartialEq, Eq, Default, Debug)]
struct PortFaults {
    carrier_lost: bool,
    out: Wire,
    into: Wire,
}

/// Every fault in force.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Faults {
    ports: BTreeMap<Port, PortFaults>,
    pairs: BTreeMap<(Port, Port), Wire>,
}

impl Faults {
    /// Adds a fault to one port. Of the kinds with a value the last one counts.
    pub fn set(&mut self, port: Port, fault: Fault) {
        let faults = self.ports.entry(port).or_default();
        match fault {
            Fault::Carrier => faults.carrier_lost = true,
            Fault::Deaf => faults.into.set(fault),
            Fault::Mute => faults.out.set(fault),
            Fault::Cut
            | Fault::Loss(_)
            | Fault::Delay(_)
            | Fault::Reorder(_)
            | Fault::Duplicate(_)
            | Fault::NoMulticast
            | Fault::MaxFrame(_) => {
                faults.into.set(fault);
                faults.out.set(fault);
            }
        }
    }

    /// Adds a fault to what goes from one port to another of the same network.
    ///
    /// # Errors
    ///
    /// The fault is one that only a port can have.
    pub fn set_pair(&mut self, from: Port, to: Port, fault: Fault) -> Result<()> {
        let possible = !matches!(fault, Fault::Deaf | Fault::Mute | Fault::Carrier);
        ensure!(
            possible,
            "a path can't be deaf, mute or without carrier: expected cut, or cut --one-way"
        );
        self.pairs.entry((from, to)).or_default().set(fault);
        Ok(())
    }

    /// Removes every fault of one port, those of its pairs included.
    pub fn heal(&mut self, port: Port) {
        self.ports.remove(&port);
        self.pairs.retain(|(from, to), _| *from != port && *to != port);
    }

    /// Whether the port's cable is pulled.
    pub fn carrier_lost(&self, port: Port) -> bool {
        self.ports.get(&port).is_some_and(|faults| faults.carrier_lost)
    }

    /// Sends a frame out of a port.
    pub fn leave(&self, port: Port, frame: &[u8], dice: &mut Dice) -> Option<Passage> {
        match self.ports.get(&port) {
            None => Some(Passage::default()),
            Some(faults) if faults.carrier_lost => None,
            Some(faults) => faults.out.pass(frame, dice),
        }
    }

    /// Sends a frame along a pair of ports and into the second.
    pub fn arrive(&self, from: Port, to: Port, frame: &[u8], dice: &mut Dice) -> Option<Passage> {
        let pair = match self.pairs.get(&(from, to)) {
            None => Passage::default(),
            Some(wire) => wire.pass(frame, dice)?,
        };
        let into = match self.ports.get(&to) {
            None => Passage::default(),
            Some(faults) if faults.carrier_lost => return None,
            Some(faults) => faults.into.pass(frame, dice)?,
        };
        Some(Passage { delay: pair.delay + into.delay, twice: pair.twice || into.twice })
    }

    /// The faults of a port in words.
    pub fn words(&self, port: Port) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(faults) = self.ports.get(&port) {
            if faults.carrier_lost {
                words.push("carrier".into());
            }
            match (faults.into.blocked, faults.out.blocked) {
                (true, true) => words.push("cut".into()),
                (true, false) => words.push("deaf".into()),
                (false, true) => words.push("mute".into()),
                (false, false) => {}
            }
            words.extend(faults.out.words());
        }
        for ((_, to), wire) in self.pairs.iter().filter(|((from, _), _)| *from == port) {
            let mut what = wire.words();
            if wire.blocked {
                what.insert(0, "cut".into());
            }
            words.push(format!("to n{}: {}", to.node + 1, what.join(" ")));
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORT: Port = Port { node: 0, network: 0 };

    #[test]
    fn every_fault_word_is_read_and_shown_again() {
        for word in [
            "cut",
            "deaf",
            "mute",
            "carrier",
            "loss=20%",
            "loss=0.5%",
            "delay=50ms",
            "reorder=10%",
            "duplicate=100%",
            "no-multicast",
            "max-frame=600",
        ] {
            let mut faults = Faults::default();
            faults.set(PORT, word.parse().unwrap());
            assert_eq!(faults.words(PORT), [word]);
        }
    }

    #[test]
    fn a_bad_fault_is_named_with_what_was_expected() {
        for (word, expected) in [
            ("loss", "fault loss: expected a value, as in loss=20%"),
            ("loss=20", "fault loss=20: expected 0% to 100%, with the sign, as in loss=20%"),
            ("loss=101%", "fault loss=101%: expected 0% to 100%, with the sign, as in loss=20%"),
            ("loss=NaN%", "fault loss=NaN%: expected 0% to 100%, with the sign, as in loss=20%"),
            ("cut=1", "fault cut=1: cut takes no value"),
            ("delay=5", "fault delay=5: expected a time up to 60s with its unit: us, ms or s"),
            (
                "max-frame=0",
                "fault max-frame=0: expected 14 to 65535 bytes, Ethernet header included",
            ),
        ] {
            assert_eq!(word.parse::<Fault>().unwrap_err().to_string(), expected);
        }
        assert!("cutt".parse::<Fault>().unwrap_err().to_string().contains("cut, deaf, mute"));
    }

    #[test]
    fn healing_a_port_removes_the_faults_of_its_pairs() {
        let other = Port { node: 1, network: 0 };
        let mut faults = Faults::default();
        faults.set_pair(PORT, other, Fault::Cut).unwrap();
        faults.set_pair(other, PORT, Fault::Cut).unwrap();
        assert_eq!(faults.words(PORT), ["to n2: cut"]);
        faults.heal(other);
        assert_eq!(faults, Faults::default());
    }

    #[test]
    fn loss_is_near_its_chance_and_repeatable() {
        let mut wire = Wire::default();
        wire.set("loss=20%".parse().unwrap());
        let lost = |seed| {
            let mut dice = Dice::new(seed);
            (0..10_000).filter(|_| wire.pass(&[0; 60], &mut dice).is_none()).count()
        };
        assert!((1_800..2_200).contains(&lost(7)), "{}", lost(7));
        assert_eq!(lost(7), lost(7));
    }
}
