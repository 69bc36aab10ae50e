//! Probes under way: who was asked what, and what came back.

use alloc::{collections::BTreeMap, vec::Vec};
use core::{net::IpAddr, time::Duration};

use hats_wire::{
    Header, Message, encode,
    link::{ProbeDone, StartProbe},
    padding,
};

use super::Effect;
use crate::{
    sizes::Size,
    time::{Timestamp, nanos},
};

/// Probes under way at once.
const PROBES_MAX: usize = 256;

/// Questions in one probe; more are not asked.
const QUESTIONS_MAX: u32 = 64;

/// How often a probe waits longer because its NIM was late itself: one that is
/// late all the time would never end it, and finds what came meanwhile anyway.
const EXCUSES_MAX: u32 = 3;

/// Probes that are over, and whose answers may still come.
const LINGERING_MAX: usize = 256;

#[derive(Clone, Debug, Default)]
pub(super) struct Probes {
    running: BTreeMap<u64, Probe>,
    /// Nobody has answered these in time: an answer that comes yet tells one
    /// that is late from one that is silent.
    lingering: BTreeMap<u64, Probe>,
    /// Which probe an ICMP sequence number belongs to, and when it was sent.
    echoes: BTreeMap<u16, (u64, Timestamp)>,
    next_echo: u16,
    echo_unavailable: bool,
}

/// What an answer is to the one who asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// It is wanted.
    Counts,
    /// It comes after all: the result that was told is told anew with it.
    Late(ProbeDone),
    /// Nobody asked, or it came twice.
    Unasked,
}

#[derive(Clone, Debug)]
struct Probe {
    spec: StartProbe,
    until: Timestamp,
    /// When the next question is asked, if any is left.
    next: Option<Timestamp>,
    /// When each question was asked, by its number.
    asked: Vec<Timestamp>,
    /// One bit for each answer, so that duplicates do not count.
    answered: u64,
    rtt: Option<Duration>,
    icmp_sent: u32,
    icmp_received: u32,
    stalled: bool,
    heard: u32,
    excuses: u32,
}

impl Probe {
    fn received(&self) -> u32 {
        self.answered.count_ones()
    }

    /// All answers are in. ICMP is not waited for where hats itself answered:
    /// many a filter drops it, and it could tell nothing more.
    fn is_complete(&self) -> bool {
        let all_asked = self.next.is_none();
        if self.spec.icmp_only {
            all_asked && self.icmp_received >= self.icmp_sent
        } else {
            all_asked && self.received() as usize == self.asked.len()
        }
    }

    /// Whether it is one that is still wanted.
    fn answer(&mut self, sequence: u32, stalled: bool, now: Timestamp) -> bool {
        let Some(asked) = self.asked.get(sequence as usize).copied() else { return false };
        let bit = 1u64 << sequence;
        if self.answered & bit != 0 {
            return false;
        }
        self.answered |= bit;
        if self.spec.until_answered {
            self.next = None;
        }
        self.stalled |= stalled;
        self.took(now.since(asked));
        true
    }

    fn took(&mut self, rtt: Duration) {
        self.rtt = Some(self.rtt.map_or(rtt, |best| best.min(rtt)));
    }

    fn done(&self, now: Timestamp) -> ProbeDone {
        let hurried = !self.spec.icmp_only && self.is_complete() && now < self.until;
        let asked = u32::try_from(self.asked.len()).unwrap_or(u32::MAX);
        ProbeDone {
            id: self.spec.id,
            at_ns: now.0,
            sent: if self.spec.icmp_only { 0 } else { asked },
            received: self.received(),
            rtt_ns: self.rtt.map_or(0, nanos),
            // Those not waited for are no evidence of anything.
            icmp_sent: if hurried { self.icmp_received } else { self.icmp_sent },
            icmp_received: self.icmp_received,
            stalled: self.stalled,
            heard: self.heard,
        }
    }
}

impl Probes {
    pub(super) fn sizes(&self) -> [Size; 3] {
        let questions = PROBES_MAX * QUESTIONS_MAX as usize;
        [
            Size::new("probes", self.running.len(), PROBES_MAX),
            Size::new("probes that linger", self.lingering.len(), LINGERING_MAX),
            Size::new("echoes awaited", self.echoes.len(), questions),
        ]
    }

    /// Begins a probe. Gives the result of those that end by that at once: one
    /// that could not be begun, or whose id is used again.
    pub(super) fn start(
        &mut self,
        mut spec: StartProbe,
        open: bool,
        now: Timestamp,
    ) -> Vec<ProbeDone> {
        let mut ended = Vec::new();
        ended.extend(self.take(spec.id).map(|probe| probe.done(now)));
        spec.count = spec.count.clamp(1, QUESTIONS_MAX);
        let id = spec.id;
        let probe = Probe {
            until: now + Duration::from_nanos(spec.timeout_ns),
            spec,
            next: Some(now),
            asked: Vec::new(),
            answered: 0,
            rtt: None,
            icmp_sent: 0,
            icmp_received: 0,
            stalled: false,
            heard: 0,
            excuses: 0,
        };
        if open && self.running.len() < PROBES_MAX {
            self.running.insert(id, probe);
        } else {
            ended.push(probe.done(now));
        }
        ended
    }

    /// Asks what is due. A late wake asks once, and spaces the rest from there.
    pub(super) fn run(&mut self, header: &Header, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        let Probes { running, echoes, next_echo, echo_unavailable, .. } = self;
        for (id, probe) in running {
            while let Some(at) = probe.next {
                if at > now || (now >= probe.until && !probe.asked.is_empty()) {
                    break;
                }
                let spec = &probe.spec;
                let sequence = u32::try_from(probe.asked.len()).unwrap_or(u32::MAX);
                probe.asked.push(now);
                let left = sequence + 1 < spec.count;
                probe.next = left.then(|| now + Duration::from_nanos(spec.interval_ns));
                if !spec.icmp_only {
                    let of = |padding| {
                        encode(
                            header,
                            &Message::Probe { case: spec.case, sequence, probe: *id, padding },
                        )
                    };
                    let (to, bytes) = (spec.target, of(0));
                    effects.push(if spec.size == 0 {
                        Effect::Transmit { to: Some(to), bytes }
                    } else {
                        let size = usize::try_from(spec.size).unwrap_or(usize::MAX);
                        let bytes = of(padding(bytes.len(), size));
                        Effect::TransmitWhole { to, bytes }
                    });
                }
                // Where an answer ends it, the host is asked when hats has had its chance.
                let echo = spec.icmp_only || (spec.icmp && !(spec.until_answered && left));
                if echo && !*echo_unavailable {
                    *next_echo = next_echo.wrapping_add(1);
                    echoes.insert(*next_echo, (*id, now));
                    probe.icmp_sent += 1;
                    effects.push(Effect::Echo { to: spec.target, sequence: *next_echo });
                }
            }
        }
        effects
    }

    /// Any datagram from `from` arrived.
    pub(super) fn heard(&mut self, from: IpAddr) {
        for probe in self.running.values_mut().filter(|probe| probe.spec.target == from) {
            probe.heard = probe.heard.saturating_add(1);
        }
    }

    /// An answer arrived. One to a probe that nobody answered counts for so long
    /// after its time.
    pub(super) fn reply(
        &mut self,
        from: IpAddr,
        (id, sequence): (u64, u32),
        stalled: bool,
        now: Timestamp,
        linger: Duration,
    ) -> Answer {
        let asked = |probe: &Probe| probe.spec.target == from && !probe.spec.icmp_only;
        let late = self.lingering.get(&id);
        let late = late.is_some_and(|probe| asked(probe) && now <= probe.until + linger);
        if late && let Some(mut probe) = self.lingering.remove(&id) {
            let counts = probe.answer(sequence, stalled, now);
            return if counts { Answer::Late(probe.done(now)) } else { Answer::Unasked };
        }
        let Some(probe) = self.running.get_mut(&id).filter(|probe| asked(probe)) else {
            return Answer::Unasked;
        };
        if probe.answer(sequence, stalled, now) { Answer::Counts } else { Answer::Unasked }
    }

    /// An ICMP answer arrived; others on this host may have asked for it.
    pub(super) fn echo_reply(&mut self, from: IpAddr, sequence: u16, now: Timestamp) {
        let Some((id, asked)) = self.echoes.get(&sequence) else { return };
        if let Some(probe) = self.running.get_mut(id).filter(|probe| probe.spec.target == from) {
            probe.icmp_received += 1;
            if probe.spec.icmp_only {
                probe.took(now.since(*asked));
            }
            self.echoes.remove(&sequence);
        }
    }

    pub(super) fn echo_available(&mut self, available: bool) {
        self.echo_unavailable = !available;
    }

    /// The prober itself slept: answers may have come that it had no time to see.
    pub(super) fn excuse(&mut self, lateness: Duration) {
        let excused = |probe: &&mut Probe| probe.excuses < EXCUSES_MAX;
        for probe in self.running.values_mut().filter(excused) {
            probe.until = probe.until + lateness;
            probe.excuses += 1;
        }
    }

    /// Those that are over: with all answers, or late enough when all that has
    /// arrived is `all_in`. Those without any answer linger for that long.
    pub(super) fn finish(
        &mut self,
        now: Timestamp,
        all_in: bool,
        linger: Duration,
    ) -> Vec<ProbeDone> {
        let over: Vec<u64> = self
            .running
            .iter()
            .filter(|(_, probe)| (all_in && now >= probe.until) || probe.is_complete())
            .map(|(id, _)| *id)
            .collect();
        let over: Vec<Probe> = over.into_iter().filter_map(|id| self.take(id)).collect();
        let done = over.iter().map(|probe| probe.done(now)).collect();
        let silent = over.into_iter().filter(|it| it.received() == 0 && !it.spec.icmp_only);
        for probe in silent {
            // Those of long ago make room first: to look for them at every input would
            // take longer than everything else when thousands do not answer.
            self.lingering.retain(|_, probe| now <= probe.until + linger);
            if self.lingering.len() >= LINGERING_MAX {
                self.lingering.pop_first();
            }
            self.lingering.insert(probe.spec.id, probe);
        }
        done
    }

    pub(super) fn deadline(&self) -> Option<(Timestamp, u64)> {
        self.running
            .iter()
            .map(|(id, probe)| (probe.next.map_or(probe.until, |next| next.min(probe.until)), *id))
            .min()
    }

    fn take(&mut self, id: u64) -> Option<Probe> {
        let probe = self.running.remove(&id)?;
        self.echoes.retain(|_, (of, _)| *of != id);
        Some(probe)
    }
}
