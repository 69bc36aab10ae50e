//! Kills at every byte, damage at every byte, and what is said of both.

use std::{fs, path::PathBuf};

use proptest::prelude::*;

use super::{archive::Piece, order::Gap, *};

/// Much more than a test writes.
const WIDE: Limits = Limits { bytes: 16 << 20, age: Duration::from_secs(3600) };

struct Host {
    dir: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        Host { dir: tempfile::tempdir().unwrap() }
    }

    fn dir(&self) -> PathBuf {
        self.dir.path().join("events")
    }

    fn tail(&self) -> PathBuf {
        self.dir.path().join("hats.sock.tail")
    }

    fn open(&self, epoch: u64) -> (Journal, Vec<String>) {
        self.open_with(epoch, WIDE)
    }

    fn open_with(&self, epoch: u64, limits: Limits) -> (Journal, Vec<String>) {
        let (dir, tail) = (self.dir(), self.tail());
        Journal::open(Place { dir: &dir, tail: &tail, limits }, epoch).unwrap()
    }

    /// A run that publishes so many events and ends well.
    fn run(&self, epoch: u64, count: u64) {
        let (mut journal, warnings) = self.open(epoch);
        assert!(warnings.is_empty(), "{warnings:?}");
        (1..=count).for_each(|seq| journal.write(&event(epoch, seq)));
        journal.close();
    }

    fn read(&self, last: Option<(u64, u64)>) -> Vec<Item> {
        read(&Archive::new(&self.dir()), last)
    }

    fn segments(&self) -> Vec<PathBuf> {
        store::segments(&self.dir())
            .unwrap()
            .into_iter()
            .map(|name| store::path(&self.dir(), name))
            .collect()
    }
}

fn read(archive: &Archive, last: Option<(u64, u64)>) -> Vec<Item> {
    let mut cursor = Cursor::after(last);
    let mut items = Vec::new();
    loop {
        let Piece { items: more, is_last } = archive.read(&mut cursor).unwrap();
        items.extend(more);
        if is_last {
            return items;
        }
    }
}

fn event(epoch: u64, seq: u64) -> ipc::Event {
    let msg = format!("event {seq} of {epoch} HEv1");
    ipc::Event { epoch, seq, msg, code: "HATS-2103".to_owned(), ..ipc::Event::default() }
}

/// Items as short texts: `8:1`, and `+2` or `+0?` for gaps.
fn short(items: &[Item]) -> String {
    let texts: Vec<String> = items
        .iter()
        .map(|item| match item {
            Item::Event(event) => format!("{}:{}", event.epoch, event.seq),
            Item::Gap(gap) => format!("+{}{}", gap.count, if gap.more { "?" } else { "" }),
        })
        .collect();
    texts.join(" ")
}

/// Whether the items are events 1 to `count` of one epoch with every one that
/// is missing counted, but for those after the last item.
fn is_honest(items: &[Item], count: u64) -> bool {
    let mut next = 1;
    for item in items {
        match item {
            Item::Event(event) if event.seq != next => return false,
            Item::Event(_) => next += 1,
            Item::Gap(Gap { count, next: (_, to), .. }) if next + count == *to => next = *to,
            Item::Gap(_) => return false,
        }
    }
    next <= count + 1
}

#[test]
fn what_was_written_is_read_from_any_place_across_runs() {
    let host = Host::new();
    host.run(5, 3);
    host.run(8, 2);
    let (_journal, warnings) = host.open(9);
    assert!(warnings.is_empty());
    assert_eq!(short(&host.read(None)), "5:1 5:2 5:3 +0 8:1 8:2 +0");
    assert_eq!(short(&host.read(Some((5, 2)))), "5:3 +0 8:1 8:2 +0");
    assert_eq!(short(&host.read(Some((5, 3)))), "+0 8:1 8:2 +0");
    assert_eq!(short(&host.read(Some((8, 2)))), "+0");
    assert_eq!(short(&host.read(Some((7, 1)))), "+0? 8:1 8:2 +0", "a run nobody knows");
}

#[test]
fn a_gap_in_the_numbers_is_counted() {
    let host = Host::new();
    let (mut journal, _) = host.open(5);
    [1, 2, 5, 6].into_iter().for_each(|seq| journal.write(&event(5, seq)));
    journal.close();
    assert_eq!(short(&host.read(None)), "5:1 5:2 +2 5:5 5:6");
    assert_eq!(short(&host.read(Some((5, 3)))), "+1 5:5 5:6");
}

/// The journal cut at every byte, as a kill leaves it, with the tail whole: the
/// next run has every event.
#[test]
fn a_kill_at_any_byte_of_the_journal_loses_nothing() {
    let host = Host::new();
    let (mut journal, _) = host.open(5);
    (1..=4).for_each(|seq| journal.write(&event(5, seq)));
    // A kill: the tail stays as it is before the end.
    let tail = fs::read(host.tail()).unwrap();
    journal.close();
    let segment = host.segments().remove(0);
    let whole = fs::read(&segment).unwrap();
    for cut in 0..=whole.len() {
        for path in host.segments() {
            fs::remove_file(path).unwrap();
        }
        fs::write(&segment, &whole[..cut]).unwrap();
        fs::write(host.tail(), &tail).unwrap();
        let (journal, _) = host.open(8);
        journal.close();
        let read = short(&host.read(None));
        assert_eq!(read, "5:1 5:2 5:3 5:4 +0", "cut at {cut}");
        assert_eq!(short(&host.read(Some((5, 3)))), "5:4 +0", "cut at {cut}");
    }
}

/// Both cut, each at every byte: what is missing is counted, or said to be
/// unknown; never nothing.
#[test]
fn whatever_is_left_a_gap_is_never_silent() {
    let host = Host::new();
    let (mut journal, _) = host.open(5);
    (1..=3).for_each(|seq| journal.write(&event(5, seq)));
    let tail = fs::read(host.tail()).unwrap();
    journal.close();
    let segment = host.segments().remove(0);
    let whole = fs::read(&segment).unwrap();
    for cut in (0..=whole.len()).step_by(17) {
        for tail_cut in (0..=tail.len()).step_by(13).chain([tail.len()]) {
            for path in host.segments() {
                fs::remove_file(path).unwrap();
            }
            fs::write(&segment, &whole[..cut]).unwrap();
            fs::write(host.tail(), &tail[..tail_cut]).unwrap();
            let (journal, _) = host.open(8);
            journal.close();
            // A subscriber that had seen the first event.
            let items = host.read(Some((5, 1)));
            let mut seen = 1;
            let mut more = false;
            for item in &items {
                match item {
                    Item::Event(_) => seen += 1,
                    Item::Gap(gap) => {
                        seen += gap.count;
                        more |= gap.more;
                    }
                }
            }
            // An event is written to the tail before anybody sees it: with the
            // tail cut, the others had not been published.
            let published = if tail_cut == tail.len() { 3 } else { seen };
            assert!(seen == published || more, "{cut} {tail_cut}: {}", short(&items));
        }
    }
}

#[test]
fn damage_at_any_byte_costs_the_record_it_is_in_and_is_counted() {
    let host = Host::new();
    host.run(5, 6);
    let segment = host.segments().remove(0);
    let whole = fs::read(&segment).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x41;
        fs::write(&segment, &bytes).unwrap();
        let items = host.read(None);
        let events = items.iter().filter(|item| matches!(item, Item::Event(_))).count();
        assert!(events >= 5, "byte {at}: {}", short(&items));
        // From the beginning nothing is known to be missing before the first.
        let items = host.read(Some((5, 0)));
        assert!(is_honest(&items, 6), "byte {at}: {}", short(&items));
    }
}

#[test]
fn a_damaged_end_is_reported_and_passed_over() {
    let host = Host::new();
    host.run(5, 6);
    let segment = host.segments().remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    bytes.extend_from_slice(b"HEv1 and then something else");
    fs::write(&segment, &bytes).unwrap();
    let (mut journal, warnings) = host.open(8);
    assert!(warnings.len() == 1 && warnings[0].contains("28 bytes"), "{warnings:?}");
    journal.write(&event(8, 1));
    journal.close();
    assert_eq!(short(&host.read(Some((5, 5)))), "5:6 +0 8:1");
}

#[test]
fn without_the_tail_and_without_an_end_more_may_be_missing() {
    let host = Host::new();
    let (mut journal, _) = host.open(5);
    journal.write(&event(5, 1));
    journal.close();
    let segment = host.segments().remove(0);
    let bytes = fs::read(&segment).unwrap();
    // Without the mark at the end: 12 bytes of header, a kind, two numbers.
    fs::write(&segment, &bytes[..bytes.len() - 29]).unwrap();
    fs::remove_file(host.tail()).unwrap();
    let (journal, _) = host.open(8);
    journal.close();
    assert_eq!(short(&host.read(Some((5, 1)))), "+0?");
}

/// The run before it ended well, or was killed with its events in the tail.
#[test]
fn a_run_that_kept_nothing_is_a_gap_of_unknown_size() {
    for is_killed in [false, true] {
        let host = Host::new();
        host.run(5, 2);
        if is_killed {
            let (mut journal, _) = host.open(6);
            journal.write(&event(6, 1));
            let tail = fs::read(host.tail()).unwrap();
            journal.close();
            fs::remove_file(host.segments().pop().unwrap()).unwrap();
            fs::write(host.tail(), tail).unwrap();
        }
        skip(None, &host.tail(), 7).unwrap();
        skip(None, &host.tail(), 8).unwrap();
        let (mut journal, _) = host.open(9);
        journal.write(&event(9, 1));
        journal.close();
        let kept = if is_killed { "+0? 6:1 +0? 9:1" } else { "+0? 9:1" };
        assert_eq!(short(&host.read(Some((5, 2)))), kept);
        assert_eq!(short(&host.read(Some((7, 3)))).split(' ').next(), Some("+0?"));
        let (journal, _) = host.open(10);
        journal.close();
        assert_eq!(short(&host.read(Some((9, 1)))), "+0", "that one did");
    }
}

#[test]
fn the_journal_stays_within_its_size_and_keeps_the_latest() {
    let host = Host::new();
    let limits = Limits { bytes: 1 << 20, ..WIDE };
    let (mut journal, _) = host.open_with(5, limits);
    let large = |seq| ipc::Event { hint: Some("x".repeat(5_000)), ..event(5, seq) };
    for seq in 1..=1_000 {
        journal.write(&large(seq));
        if seq % 100 == 0 {
            // The queue is not to overflow.
            while journal.numbers.journaled.load(Ordering::Relaxed) < seq {
                thread::yield_now();
            }
        }
    }
    journal.close();
    let bytes: u64 = host.segments().iter().map(|it| fs::metadata(it).unwrap().len()).sum();
    assert!((512 << 10..=(1 << 20) + (256 << 10)).contains(&bytes), "{bytes}");
    let items = host.read(None);
    let Some(Item::Event(last)) = items.last() else { panic!("{items:?}") };
    assert_eq!(last.seq, 1_000);
    // What was removed is a gap for who asks for it.
    let resumed = short(&host.read(Some((5, 3))));
    let count: u64 = 1_000 - 3 - (items.len() as u64);
    assert!(resumed.starts_with(&format!("+{count} ")), "{}", &resumed[..20]);
}

#[test]
fn what_is_too_old_is_removed() {
    let host = Host::new();
    // Not near enough to share a segment.
    let hour = 3_600_000;
    host.run(5, 3);
    host.run(hour + 5, 3);
    let old = std::time::SystemTime::UNIX_EPOCH;
    fs::File::options().write(true).open(&host.segments()[0]).unwrap().set_modified(old).unwrap();
    host.run(hour + 9, 1);
    assert_eq!(short(&host.read(None)), "3600005:1 3600005:2 3600005:3 +0 3600009:1");
}

#[test]
fn a_journal_of_a_later_time_is_begun_anew() {
    let host = Host::new();
    host.run(50, 3);
    let (mut journal, warnings) = host.open(8);
    assert!(warnings.iter().any(|it| it.contains("begun anew")), "{warnings:?}");
    journal.write(&event(8, 1));
    journal.close();
    assert_eq!(short(&host.read(None)), "8:1");
}

#[test]
fn an_event_that_is_too_long_is_cut_and_keeps_its_number() {
    let host = Host::new();
    let (mut journal, _) = host.open(5);
    let whole = ipc::Event {
        network: Some("neta".to_owned()),
        authority: true,
        observer: "n1".to_owned(),
        mono_ns: 9,
        ..event(5, 1)
    };
    let long = "x".repeat(300_000);
    journal.write(&ipc::Event { msg: long.clone(), sets: vec![long.clone()], ..whole.clone() });
    journal.write(&ipc::Event { seq: 2, hint: Some(long), ..whole.clone() });
    journal.write(&event(5, 3));
    journal.close();
    let items = host.read(Some((5, 0)));
    assert_eq!(short(&items), "5:1 5:2 5:3");
    // Who asks for events of a network must find it.
    let Item::Event(first) = &items[0] else { panic!("{items:?}") };
    assert!(first.msg.starts_with("xxx"));
    assert_eq!(ipc::Event { msg: whole.msg.clone(), ..(**first).clone() }, whole);
}

#[test]
fn what_is_being_written_is_read_up_to_its_last_whole_record() {
    let host = Host::new();
    host.run(5, 4);
    let segment = host.segments().remove(0);
    let whole = fs::read(&segment).unwrap();
    let archive = Archive::new(&host.dir());
    let mut cursor = Cursor::after(Some((5, 0)));
    let mut items = Vec::new();
    for cut in 0..=whole.len() {
        fs::write(&segment, &whole[..cut]).unwrap();
        items.extend(archive.read(&mut cursor).unwrap().items);
    }
    assert_eq!(short(&items), "5:1 5:2 5:3 5:4");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_it_fail_or_lie(
        count in 1_u64..40,
        damage in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..12),
        cut in any::<usize>(),
        noise in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let host = Host::new();
        host.run(5, count);
        let segment = host.segments().remove(0);
        let mut bytes = fs::read(&segment).unwrap();
        for (at, value) in damage {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        bytes.truncate(bytes.len() - cut % (bytes.len() / 4));
        bytes.extend_from_slice(&noise);
        fs::write(&segment, &bytes).unwrap();
        let items = host.read(Some((5, 0)));
        prop_assert!(is_honest(&items, count), "{}", short(&items));
        // And the next run begins, and is linked.
        let (mut journal, _) = host.open(8);
        journal.write(&event(8, 1));
        journal.close();
        let items = host.read(Some((5, count)));
        prop_assert_eq!(short(&items), "+0 8:1");
    }
}

#[test]
fn the_newest_part_ends_with_the_last_event_and_is_no_larger_than_asked_for() {
    let host = Host::new();
    // Straight to the store: how the thread batches must not matter here.
    let (mut store, _) = Store::open(&host.dir(), Limits { bytes: 1 << 20, ..WIDE }).unwrap();
    for seq in 1..=60 {
        let long = ipc::Event { msg: "m".repeat(10_000), ..event(7, seq) };
        store.append(&record::event_bytes(&long), (7, seq)).unwrap();
    }
    let archive = Archive::new(&host.dir());
    let sizes: Vec<u64> =
        host.segments().iter().map(|path| fs::metadata(path).unwrap().len()).collect();
    assert!(sizes.len() >= 3, "{sizes:?}");
    let last_two: u64 = sizes[sizes.len() - 2..].iter().sum();
    for (bytes, segments) in [(0, 1), (last_two, 2), (last_two + 1, 2), (u64::MAX, sizes.len())] {
        let mut cursor = archive.newest(bytes).unwrap();
        let mut events = Vec::new();
        loop {
            let Piece { items, is_last } = archive.read(&mut cursor).unwrap();
            events.extend(items.into_iter().filter_map(|item| match item {
                Item::Event(event) => Some(event.seq),
                Item::Gap(_) => None,
            }));
            if is_last {
                break;
            }
        }
        assert_eq!(events.last(), Some(&60));
        let read = events.len() as u64 * 10_000;
        let there: u64 = sizes[sizes.len() - segments..].iter().sum();
        assert!(read <= there && there - read < 20_000, "{bytes}: {read} of {there}");
    }
}

/// The second event fills the segment, so that the next would begin another.
#[test]
fn a_run_that_ends_with_a_full_segment_leaves_none_without_an_event() {
    let host = Host::new();
    let (mut journal, _) = host.open_with(7, Limits { bytes: 1 << 18, ..WIDE });
    let long = |seq| ipc::Event { msg: "m".repeat(60_000), ..event(7, seq) };
    [1, 2].into_iter().for_each(|seq| journal.write(&long(seq)));
    journal.close();
    assert_eq!(host.segments().len(), 1);
    let (_, ending) = Store::open(&host.dir(), WIDE).unwrap();
    assert_eq!((ending.last, ending.published), (Some((7, 2)), Some((7, 2))));
}
