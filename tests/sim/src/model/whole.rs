//! Whole nodes instead of group machines: each datagram harmed in turn.
//!
//! A node's state has counters that never come back, so that its world cannot be
//! explored whole. But a story of three nodes can be told again and again, each
//! time with another datagram lost, doubled or late, or another two of them: all
//! single harms, and all pairs. All checkers of the simulator watch.

use std::{cell::RefCell, fmt, rc::Rc, time::Duration};

use hats_core::time::nanos;
use hats_wire::decode;

use crate::{
    host::Port,
    net::Lost,
    summary::Summary,
    tamper::{Fate, Tamper},
    world::World,
};

/// Datagrams are harmed for so long after the story begins.
const WINDOW: Duration = Duration::from_millis(2_500);
/// Then all must be well within this.
const SETTLED_WITHIN: Duration = Duration::from_secs(30);
/// A story begins when all has been quiet for so long.
const QUIET: Duration = Duration::from_secs(4);

/// What is done to one datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Harm {
    /// It does not arrive.
    Lost,
    /// It arrives twice.
    Twice,
    /// It arrives so much later.
    Late(Duration),
}

impl Harm {
    /// What is tried on each: late by more than an exchange takes, than a PREPARE
    /// is gathered for, and than a round lasts.
    pub const ALL: [Harm; 5] = [
        Harm::Lost,
        Harm::Twice,
        Harm::Late(Duration::from_millis(1)),
        Harm::Late(Duration::from_millis(70)),
        Harm::Late(Duration::from_millis(600)),
    ];
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Harm::Lost => f.write_str("lost"),
            Harm::Twice => f.write_str("twice"),
            Harm::Late(by) => write!(f, "late:{}", by.as_millis()),
        }
    }
}

impl std::str::FromStr for Harm {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let wrong = || format!("harm is {word:?}: expected lost, twice or late:MILLISECONDS");
        match word {
            "lost" => Ok(Harm::Lost),
            "twice" => Ok(Harm::Twice),
            other => {
                let ms = other.strip_prefix("late:").and_then(|ms| ms.parse().ok());
                ms.map(|ms| Harm::Late(Duration::from_millis(ms))).ok_or_else(wrong)
            }
        }
    }
}

/// The datagram of that number, and what is done to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Harmed {
    /// From 0, in the order in which they are sent, each way counted.
    pub datagram: u64,
    /// What.
    pub harm: Harm,
}

impl fmt::Display for Harmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.datagram, self.harm)
    }
}

impl std::str::FromStr for Harmed {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let wrong = || format!("harmed is {word:?}: expected NUMBER:HARM, like 17:lost");
        let (number, harm) = word.split_once(':').ok_or_else(wrong)?;
        let datagram = number.parse().map_err(|_| wrong())?;
        Ok(Harmed { datagram, harm: harm.parse()? })
    }
}

/// How a story went.
#[derive(Clone, Debug)]
pub struct Told {
    /// How many datagrams there were to harm.
    pub datagrams: u64,
    /// From the beginning until all was well, for good.
    pub well_after: Duration,
    /// What was harmed, in words.
    pub harmed: Vec<String>,
    /// A checker's objection, or that it did not end well.
    pub broken: Option<String>,
}

type Step = fn(&mut World) -> Result<(), String>;

/// A story of three nodes on one network.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    /// What it is called.
    pub name: &'static str,
    /// What it is about, in a sentence.
    pub about: &'static str,
    /// Until the datagrams that may be harmed.
    before: Step,
    /// What is done then.
    act: Step,
}

/// Every story.
pub fn stories() -> Vec<Story> {
    let story = |name, about, before, act| Story { name, about, before, act };
    vec![
        story("election", "three daemons start", |_| Ok(()), |_| Ok(())),
        story("takeover", "the leader dies", quiet, |world| {
            world.crash("n3");
            Ok(())
        }),
        story("succession", "leader and successor die, one in the midst of it", quiet, |world| {
            world.crash("n3");
            world.advance(Duration::from_millis(1_001))?;
            world.crash("n2");
            Ok(())
        }),
        story("merge-12-3", "two groups meet", |world| split(world, &["n3"]), heal),
        story("merge-13-2", "two groups meet", |world| split(world, &["n2"]), heal),
        story("merge-23-1", "two groups meet", |world| split(world, &["n1"]), heal),
        story("split", "the leader is cut off", quiet, |world| {
            world.partition("neta", &[&["n1", "n2"], &["n3"]]);
            world.advance(Duration::from_millis(1_500))?;
            heal(world)
        }),
        story("leave", "the leader stops in good order", quiet, |world| {
            world.leave("n3");
            // Until it has begun, all is as it was.
            world.advance(Duration::from_millis(5))
        }),
        story("restart", "the leader's daemon is started anew", quiet, |world| {
            world.restart("n3");
            Ok(())
        }),
        story("pause", "the leader stands still, and goes on", quiet, |world| {
            world.pause("n3");
            world.advance(Duration::from_millis(2_000))?;
            world.resume("n3");
            Ok(())
        }),
    ]
}

fn quiet(world: &mut World) -> Result<(), String> {
    well(world)?;
    world.advance(QUIET)
}

fn split(world: &mut World, others: &[&str]) -> Result<(), String> {
    let rest: Vec<&str> =
        ["n1", "n2", "n3"].into_iter().filter(|name| !others.contains(name)).collect();
    world.partition("neta", &[&rest, others]);
    world.advance(QUIET)
}

fn heal(world: &mut World) -> Result<(), String> {
    world.heal_partition("neta");
    Ok(())
}

fn well(world: &mut World) -> Result<(), String> {
    let came = world.run_until_or(World::settled, SETTLED_WITHIN)?;
    if came { Ok(()) } else { Err(format!("not all is well after {SETTLED_WITHIN:?}")) }
}

impl Story {
    /// Tells it with these datagrams harmed.
    pub fn tell(&self, seed: u64, harmed: &[Harmed]) -> Told {
        let hand = Rc::new(RefCell::new(Hand { wanted: harmed.to_vec(), ..Hand::default() }));
        let mut world = World::lan(3, 1).seed(seed).build();
        world.tamper = Some(Box::new(Shared(Rc::clone(&hand))));
        let mut well_after = Duration::ZERO;
        let result = self.go(&mut world, &hand, &mut well_after);
        drop(world);
        let hand = hand.take();
        Told { datagrams: hand.counted, well_after, harmed: hand.done, broken: result.err() }
    }

    fn go(
        &self,
        world: &mut World,
        hand: &RefCell<Hand>,
        well_after: &mut Duration,
    ) -> Result<(), String> {
        (self.before)(world)?;
        hand.borrow_mut().from = Some(world.now());
        let begin = world.now();
        (self.act)(world)?;
        well(world)?;
        *well_after = world.now() - begin;
        let rest = (begin + WINDOW).saturating_sub(world.now());
        world.advance(rest)?;
        if !world.settled() {
            well(world)?;
            *well_after = world.now() - begin;
        }
        world.advance(QUIET)?;
        if world.settled() { Ok(()) } else { Err("all was well, and is not any more".to_owned()) }
    }
}

/// Some of all ways to harm the datagrams of a story.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    /// How often it was told.
    pub told: u64,
    /// Datagrams that were harmed, without harming another one.
    pub datagrams: u64,
    /// The longest time until all was well, and what was harmed.
    pub slowest: (Duration, Vec<Harmed>),
    /// How often it did not end well; the first of them.
    pub broken: (u64, Option<(Vec<Harmed>, Told)>),
}

impl Sum {
    fn add(&mut self, harmed: &[Harmed], told: Told) {
        self.told += 1;
        if told.well_after > self.slowest.0 {
            self.slowest = (told.well_after, harmed.to_vec());
        }
        if told.broken.is_some() {
            self.broken.0 += 1;
            self.broken.1.get_or_insert_with(|| (harmed.to_vec(), told));
        }
    }
}

impl Story {
    /// Tells it once for each datagram and harm.
    pub fn each(&self, seed: u64, progress: &mut dyn FnMut(&Sum)) -> Sum {
        let mut sum = Sum::default();
        let plain = self.tell(seed, &[]);
        sum.datagrams = plain.datagrams;
        sum.add(&[], plain);
        for datagram in 0..sum.datagrams {
            for harm in Harm::ALL {
                let harmed = [Harmed { datagram, harm }];
                sum.add(&harmed, self.tell(seed, &harmed));
            }
            progress(&sum);
        }
        sum
    }

    /// Tells it once for each pair of datagrams, both lost, or one lost and one
    /// late.
    pub fn pairs(&self, seed: u64, progress: &mut dyn FnMut(&Sum)) -> Sum {
        const LATE: Harm = Harm::Late(Duration::from_millis(70));
        let mut sum = Sum { datagrams: self.tell(seed, &[]).datagrams, ..Sum::default() };
        for first in 0..sum.datagrams {
            for (one, other) in
                [(Harm::Lost, Harm::Lost), (Harm::Lost, LATE), (LATE, Harm::Lost), (LATE, LATE)]
            {
                let first = Harmed { datagram: first, harm: one };
                // What is harmed changes what follows.
                let after = self.tell(seed, &[first]).datagrams;
                for datagram in first.datagram + 1..after {
                    let harmed = [first, Harmed { datagram, harm: other }];
                    sum.add(&harmed, self.tell(seed, &harmed));
                }
                progress(&sum);
            }
        }
        sum
    }
}

/// Harms datagrams by number.
#[derive(Debug, Default)]
struct Hand {
    /// Since when they are counted.
    from: Option<Duration>,
    counted: u64,
    wanted: Vec<Harmed>,
    done: Vec<String>,
}

struct Shared(Rc<RefCell<Hand>>);

impl Tamper for Shared {
    fn travel(&mut self, world: &World, [from, to]: [Port; 2], bytes: &[u8], fate: &mut Fate) {
        let hand = &mut *self.0.borrow_mut();
        let open = hand.from.is_some_and(|from| world.now() < from + WINDOW);
        if !open || fate.is_err() || is_of_nims(bytes) {
            return;
        }
        let number = hand.counted;
        hand.counted += 1;
        for Harmed { harm, .. } in hand.wanted.iter().filter(|it| it.datagram == number) {
            let what = Summary(world).datagram(bytes);
            let (from, to) = (world.port_name(from), world.port_name(to));
            hand.done.push(format!("{:?} {from} > {to} {harm}: {what}", world.now()));
            match (harm, &mut *fate) {
                (Harm::Lost, fate) => *fate = Err(Lost::Chance),
                (Harm::Twice, Ok(travel)) => travel.twice = true,
                (Harm::Late(by), Ok(travel)) => travel.took += nanos(*by),
                (Harm::Twice | Harm::Late(_), Err(_)) => {}
            }
        }
    }
}

/// Heartbeats and probes: to lose one of them is nothing, and they are many.
fn is_of_nims(bytes: &[u8]) -> bool {
    use hats_wire::Message;
    decode(bytes).is_ok_and(|frame| {
        matches!(
            frame.message,
            Message::Heartbeat { .. } | Message::Probe { .. } | Message::ProbeReply { .. }
        )
    })
}
