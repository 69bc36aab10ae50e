//! The proof in [`opening`](super::opening), tried: every way in which two runs
//! can end, one after the other, and longer histories at random, are held
//! against what was published.

use std::{collections::BTreeMap, fs, path::PathBuf};

use proptest::prelude::*;

use super::{order::Gap, *};

const LIMITS: Limits = Limits { bytes: 16 << 20, age: Duration::from_secs(3600) };

/// How a run goes and ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Run {
    /// Killed after so many writes, or in the midst of the next.
    KilledOpening { writes: usize, within: bool },
    /// Publishes so many events, of which so many are in the store.
    Published { events: u64, stored: u64, end: End },
    /// Has no journal.
    Unkept { events: u64 },
    /// Could write its beginning, but not its tail, and knows it.
    WithoutTail { events: u64 },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Well,
    Killed,
    /// While it wrote an event to the tail, which nobody has seen then.
    KilledInTail,
    KilledInStore,
}

/// What the host does before the next run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reboot {
    None,
    /// The tail was in memory; the store has what the disk was made to keep, or
    /// all.
    Clean {
        lost: bool,
    },
    /// The tail was on a disk, too, which kept it or an earlier one.
    OldTail {
        lost: bool,
    },
}

/// What happened, in order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Truth {
    Published(u64, u64),
    /// Here nobody can know whether there was more.
    Unknown,
}

struct Host {
    dir: tempfile::TempDir,
    boot: u128,
    epoch: u64,
    /// The store as the disk has it, and the tail before the last.
    synced: BTreeMap<PathBuf, Vec<u8>>,
    earlier_tail: Option<Vec<u8>>,
    truth: Vec<Truth>,
}

impl Host {
    fn new() -> Host {
        // Where making the disk keep something takes no time.
        let memory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let dir = memory.unwrap();
        let (synced, truth) = (BTreeMap::new(), Vec::new());
        Host { dir, boot: 1, epoch: 0, synced, earlier_tail: None, truth }
    }

    fn events(&self) -> PathBuf {
        self.dir.path().join("events")
    }

    fn tail(&self) -> PathBuf {
        self.dir.path().join("hats.sock.tail")
    }

    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let Ok(names) = store::segments(&self.events()) else { return BTreeMap::new() };
        let paths = names.into_iter().map(|name| store::path(&self.events(), name));
        paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }

    /// The writes of a run's opening, up to some of them.
    fn open(&mut self, most: usize, within: bool) -> (Store, Option<Tail>) {
        self.epoch += 10;
        let (events, path) = (self.events(), self.tail());
        let place = Place { dir: &events, tail: &path, limits: LIMITS };
        let (mut store, steps, _) = Journal::find(place, self.epoch, self.boot).unwrap();
        let mut tail = None;
        for step in steps.iter().take(most) {
            if matches!(step, Step::Tail(_)) {
                self.earlier_tail = fs::read(&path).ok();
            }
            tail = perform(step, &mut store, &path, self.boot).unwrap().or(tail);
            if *step == Step::Sync {
                self.synced = self.files();
            }
        }
        match steps.get(most).filter(|_| within) {
            Some(Step::Store(bytes, at)) => store.append(&bytes[..bytes.len() / 2], *at).unwrap(),
            Some(Step::Tail(content)) => {
                fs::write(path.with_extension("tail.new"), &content[..5]).unwrap();
            }
            Some(Step::Sync) | None => {}
        }
        (store, tail)
    }

    fn run(&mut self, run: Run) {
        match run {
            Run::KilledOpening { writes, within } => drop(self.open(writes, within)),
            Run::Published { events, stored, end } => {
                let (mut store, tail) = self.open(usize::MAX, false);
                let mut tail = tail.unwrap();
                for seq in 1..=events {
                    let bytes = record::event_bytes(&event(self.epoch, seq));
                    tail.write(&bytes, (self.epoch, seq), 0).unwrap();
                    self.truth.push(Truth::Published(self.epoch, seq));
                    if seq <= stored {
                        store.append(&bytes, (self.epoch, seq)).unwrap();
                    }
                }
                self.end(end, events, &mut store, &mut tail);
            }
            Run::Unkept { events } => {
                self.epoch += 10;
                self.unkept(events);
            }
            Run::WithoutTail { events } => {
                // All but the last write, which is the tail.
                let place = self.events();
                let writes = {
                    let path = self.tail();
                    let place = Place { dir: &place, tail: &path, limits: LIMITS };
                    Journal::find(place, self.epoch + 10, self.boot).unwrap().1.len()
                };
                drop(self.open(writes - 1, false));
                self.unkept(events);
            }
        }
    }

    fn end(&mut self, end: End, events: u64, store: &mut Store, tail: &mut Tail) {
        let at = (self.epoch, events + 1);
        let next = record::event_bytes(&event(at.0, at.1));
        match end {
            End::Killed => {}
            End::Well => {
                let mark = record::encode(&Record::Mark { epoch: at.0, seq: events });
                store.append(&mark, (at.0, events)).unwrap();
                store.sync().unwrap();
                self.synced = self.files();
            }
            End::KilledInTail => tail.write(&next[..next.len() / 2], at, 0).unwrap(),
            End::KilledInStore => {
                tail.write(&next, at, 0).unwrap();
                self.truth.push(Truth::Published(at.0, at.1));
                store.append(&next[..next.len() / 2], at).unwrap();
            }
        }
    }

    fn unkept(&mut self, events: u64) {
        skip(Some(&self.events()), &self.tail(), self.epoch).unwrap();
        self.synced = self.files();
        self.truth.push(Truth::Unknown);
        self.truth.extend((1..=events).map(|seq| Truth::Published(self.epoch, seq)));
        self.truth.push(Truth::Unknown);
    }

    fn reboot(&mut self, reboot: Reboot) {
        let lost = match reboot {
            Reboot::None => return,
            Reboot::Clean { lost } => {
                // It may not be there.
                let _ = fs::remove_file(self.tail());
                lost
            }
            Reboot::OldTail { lost } => {
                if let Some(tail) = self.earlier_tail.take().filter(|_| lost) {
                    fs::write(self.tail(), tail).unwrap();
                }
                lost
            }
        };
        if lost {
            self.files().keys().for_each(|path| fs::remove_file(path).unwrap());
            self.synced.iter().for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
        }
        self.boot += 1;
        self.truth.push(Truth::Unknown);
    }

    /// Ends with a run that is well, and what it tells is compared with what
    /// was published.
    fn check(mut self) -> Result<(), String> {
        self.run(Run::Published { events: 1, stored: 1, end: End::Well });
        let published: Vec<(u64, u64)> =
            self.truth
                .iter()
                .filter_map(|it| {
                    if let Truth::Published(run, seq) = it { Some((*run, *seq)) } else { None }
                })
                .collect();
        for seen in &published {
            self.check_from(*seen).map_err(|why| format!("from {seen:?}: {why}"))?;
        }
        Ok(())
    }

    fn check_from(&self, seen: (u64, u64)) -> Result<(), String> {
        let mut cursor = Cursor::after(Some(seen));
        let archive = Archive::new(&self.events());
        let mut items = Vec::new();
        loop {
            let piece = archive.read(&mut cursor).unwrap();
            items.extend(piece.items);
            if piece.is_last {
                break;
            }
        }
        let at = |(run, seq)| self.truth.iter().position(|it| *it == Truth::Published(run, seq));
        let (mut from, mut told) = (at(seen).unwrap(), (0, false));
        for item in &items {
            match item {
                Item::Gap(Gap { count, more, .. }) => told = (told.0 + count, told.1 || *more),
                Item::Event(event) => {
                    let to = at((event.epoch, event.seq)).ok_or("it was never published")?;
                    let between =
                        self.truth.get(from + 1..to).ok_or_else(|| format!("{event:?} is old"))?;
                    let why = || format!("{told:?} told of {between:?}");
                    let unknown = between.contains(&Truth::Unknown);
                    let missing = between.iter().filter(|it| **it != Truth::Unknown).count() as u64;
                    let is_told = told.0 == missing || told.1;
                    let is_needed = missing > 0 || unknown || told == (0, false);
                    (is_told && is_needed).then_some(()).ok_or_else(why)?;
                    (from, told) = (to, (0, false));
                }
            }
        }
        (from + 1 == self.truth.len()).then_some(()).ok_or("the last event is not there")?;
        Ok(())
    }
}

fn event(epoch: u64, seq: u64) -> ipc::Event {
    ipc::Event { epoch, seq, code: "HATS-2103".to_owned(), ..ipc::Event::default() }
}

fn runs() -> Vec<Run> {
    let mut runs = Vec::new();
    for writes in 0..7 {
        runs.extend([false, true].map(|within| Run::KilledOpening { writes, within }));
    }
    for events in 0..3 {
        for stored in 0..=events {
            for end in [End::Killed, End::KilledInTail] {
                runs.push(Run::Published { events, stored, end });
            }
        }
        for end in [End::Well, End::KilledInStore] {
            runs.push(Run::Published { events, stored: events, end });
        }
    }
    for events in 0..2 {
        runs.extend([Run::Unkept { events }, Run::WithoutTail { events }]);
    }
    runs
}

const REBOOTS: [Reboot; 5] = [
    Reboot::None,
    Reboot::Clean { lost: false },
    Reboot::Clean { lost: true },
    Reboot::OldTail { lost: false },
    Reboot::OldTail { lost: true },
];

fn try_history(history: &[(Run, Reboot)]) -> Result<(), String> {
    let mut host = Host::new();
    // What somebody has seen, before all that.
    host.run(Run::Published { events: 2, stored: 1, end: End::Killed });
    for (run, reboot) in history {
        host.run(*run);
        host.reboot(*reboot);
    }
    host.check().map_err(|why| format!("{history:?}: {why}"))
}

#[test]
fn whatever_two_runs_are_killed_at_no_gap_is_silent_and_none_is_made_up() {
    for first in runs() {
        for reboot in REBOOTS {
            for second in runs() {
                let history = [(first, reboot), (second, Reboot::None)];
                try_history(&history).unwrap();
            }
        }
    }
}

#[test]
fn a_daemon_that_keeps_dying_does_not_push_out_what_was_before() {
    let mut host = Host::new();
    for _ in 0..600 {
        host.run(Run::Published { events: 2, stored: 1, end: End::Killed });
    }
    assert_eq!(host.files().len(), 1);
    let mut cursor = Cursor::after(None);
    let items = Archive::new(&host.events()).read(&mut cursor).unwrap().items;
    let Some(Item::Event(first)) = items.first() else { panic!("{items:?}") };
    assert_eq!((first.epoch, first.seq), (10, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn however_many_runs_are_killed_no_gap_is_silent_and_none_is_made_up(
        history in proptest::collection::vec(
            (proptest::sample::select(runs()), proptest::sample::select(REBOOTS.to_vec())),
            1..7,
        ),
    ) {
        prop_assert_eq!(try_history(&history), Ok(()));
    }
}
