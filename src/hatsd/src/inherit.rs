//! What earlier runs told and did not take back, from the journal.

use hats_core::{
    event::{Event, EventKind},
    told::OpenFaults,
};
use hats_proto::ipc;

use crate::journal::{Archive, Item};

/// So much of the journal is read, its newest part: the adapters wait for it.
const BYTES_MAX: u64 = 32 << 20;

/// Follows the events in the journal. Where some are missing, a fault may seem to
/// be open that is over: its adapter or node, which is up, says so.
pub(crate) fn open_faults(archive: &Archive, cluster: &str) -> OpenFaults {
    let mut faults = OpenFaults::default();
    let mut cursor = match archive.newest(BYTES_MAX) {
        Ok(cursor) => cursor,
        Err(error) => {
            tracing::warn!("what earlier runs told cannot be read: {error}");
            return faults;
        }
    };
    loop {
        match archive.read(&mut cursor) {
            Ok(piece) => {
                for item in piece.items {
                    let Item::Event(told) = item else { continue };
                    if told.cluster == cluster {
                        follow(&mut faults, &told);
                    }
                }
                if piece.is_last {
                    break;
                }
            }
            Err(error) => {
                tracing::warn!("what earlier runs told cannot be read: {error}");
                break;
            }
        }
    }
    faults
}

fn follow(faults: &mut OpenFaults, told: &ipc::Event) {
    let kind = |code: &str| EventKind::ALL.iter().copied().find(|kind| kind.code() == code);
    // A code of a later version is nothing that this one can end.
    let Some(of) = kind(&told.code) else { return };
    let mut event = Event::new(of, String::new());
    event.node.clone_from(&told.node);
    event.network.clone_from(&told.network);
    event.adapter.clone_from(&told.adapter);
    event.peer_node.clone_from(&told.peer_node);
    event.peer_adapter.clone_from(&told.peer_adapter);
    event.sets.clone_from(&told.sets);
    event.instance = told.instance;
    event.clears = told.clears.as_deref().and_then(kind);
    event.authority = told.authority;
    faults.note(&event);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::journal::{Journal, Limits, Place};

    fn told(epoch: u64, seq: u64, code: &str, node: &str) -> ipc::Event {
        ipc::Event {
            epoch,
            seq,
            code: code.to_owned(),
            cluster: "atc".to_owned(),
            node: Some(node.to_owned()),
            network: Some("neta".to_owned()),
            adapter: Some("eth0".to_owned()),
            ..ipc::Event::default()
        }
    }

    #[test]
    fn what_earlier_runs_told_is_open_until_one_of_them_told_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits { bytes: 16 << 20, age: Duration::from_secs(3600) };
        let tail = dir.path().join("tail");
        let runs: [&[ipc::Event]; 2] = [
            &[
                told(7, 1, "HATS-2103", "n1"),
                told(7, 2, "HATS-2103", "n2"),
                told(7, 3, "HATS-3103", "n3"),
                told(7, 4, "HATS-9999", "n4"),
            ],
            &[
                ipc::Event {
                    clears: Some("HATS-2103".to_owned()),
                    ..told(8, 1, "HATS-2101", "n1")
                },
                ipc::Event { cluster: "other".to_owned(), ..told(8, 2, "HATS-2103", "n9") },
            ],
        ];
        for (epoch, events) in (7..).zip(runs) {
            let place = Place { dir: dir.path(), tail: &tail, limits };
            let (mut journal, warnings) = Journal::open(place, epoch).unwrap();
            assert_eq!(warnings, Vec::<String>::new());
            events.iter().for_each(|event| journal.write(event));
            journal.close();
        }
        let place = Place { dir: dir.path(), tail: &tail, limits };
        let (journal, _) = Journal::open(place, 9).unwrap();
        let mut expected = OpenFaults::default();
        follow(&mut expected, &told(7, 2, "HATS-2103", "n2"));
        follow(&mut expected, &told(7, 3, "HATS-3103", "n3"));
        assert_eq!(expected.len(), 2);
        assert_eq!(open_faults(&journal.archive(), "atc"), expected);
    }
}
