//! A follower against a daemon on a real socket that says what a test wants.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fake;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use fake::{Conversation, Directory, EPOCH, Fake, event, snapshot_before};
use hats_client::{
    Error, Follower, News,
    ipc::{Changes, Error as Refusal, Lost, Node, Subscribe, error::Kind, reply, request},
};

fn subscribed(conversation: &mut Conversation) -> Subscribe {
    conversation.greet();
    match conversation.request() {
        Some(request::Body::Subscribe(subscribe)) => subscribe,
        other => panic!("{other:?}"),
    }
}

/// The next news but for `State`, as a short text.
async fn next(follower: &mut Follower) -> String {
    loop {
        return match follower.next().await.unwrap() {
            News::Event(event) => format!("{}:{}", event.epoch - EPOCH, event.seq),
            News::Gap(gap) => gap.to_string(),
            News::Away(_) => "away".to_owned(),
            News::State => continue,
        };
    }
}

/// A daemon that does this on its first, second, ... connection.
fn daemon(turns: impl Fn(u32, &mut Conversation, Subscribe) + Send + Sync + 'static) -> Fake {
    let connections = Arc::new(AtomicU32::new(0));
    let turns = Arc::new(turns);
    Fake::start(move |conversation| {
        let subscribe = subscribed(conversation);
        turns(connections.fetch_add(1, Ordering::SeqCst), conversation, subscribe);
    })
}

fn lost(count: u64, more: bool, epoch: u64, next_seq: u64) -> reply::Body {
    reply::Body::Lost(Lost { count, more, epoch, next_seq })
}

#[tokio::test]
async fn it_connects_again_and_goes_on_after_the_last_event_across_runs() {
    let fake = daemon(|turn, conversation, subscribe| {
        let from = subscribe.from.map(|from| (from.epoch - EPOCH, from.seq));
        assert!(subscribe.view);
        match turn {
            0 => {
                assert_eq!(from, None);
                conversation.send(reply::Body::Snapshot(snapshot_before(10)));
                conversation.send(reply::Body::Event(event(10)));
            }
            _ => {
                assert_eq!(from, Some((0, 10)));
                conversation.send(reply::Body::Event(event(11)));
                conversation.send(lost(0, false, EPOCH + 4, 1));
                let mut first = event(1);
                first.epoch = EPOCH + 4;
                conversation.send(reply::Body::Event(first));
                conversation.hold();
            }
        }
    });
    let mut follower = Follower::new("test").at(&fake.socket());
    for expected in ["0:10", "away", "0:11", "4:1"] {
        assert_eq!(next(&mut follower).await, expected);
    }
    let point = follower.resume_point().unwrap();
    assert_eq!((point.epoch, point.seq), (EPOCH + 4, 1));
}

#[tokio::test]
async fn a_gap_is_told_whether_the_daemon_says_so_or_a_snapshot_shows_it() {
    let fake = daemon(|turn, conversation, _| match turn {
        0 => {
            conversation.send(reply::Body::Snapshot(snapshot_before(10)));
            conversation.send(lost(5, false, EPOCH, 15));
            conversation.send(reply::Body::Snapshot(snapshot_before(15)));
        }
        1 => conversation.send(reply::Body::Snapshot(snapshot_before(17))),
        2 => {
            let mut other = snapshot_before(3);
            other.epoch += 1;
            conversation.send(reply::Body::Snapshot(other));
        }
        _ => conversation.hold(),
    });
    let mut follower = Follower::new("test").at(&fake.socket());
    for expected in [
        "5 events are missing",
        "away",
        "2 events are missing",
        "away",
        "events may be missing",
        "away",
    ] {
        assert_eq!(next(&mut follower).await, expected);
    }
}

#[tokio::test]
async fn the_view_follows_snapshots_and_changes_and_outlives_the_daemon() {
    let fake = daemon(|turn, conversation, _| {
        if turn > 0 {
            return conversation.hold();
        }
        conversation.send(reply::Body::Snapshot(snapshot_before(10)));
        let nodes = vec![Node { name: "n9".into(), state: "down".into(), ..Node::default() }];
        let overall = "CRITICAL".into();
        let changes = Changes { epoch: EPOCH, next_seq: 10, nodes, overall, ..Changes::default() };
        conversation.send(reply::Body::Changes(changes));
    });
    let mut follower = Follower::new("test").at(&fake.socket());
    assert!(matches!(follower.next().await.unwrap(), News::State));
    assert!(follower.view().unwrap().node("n9").is_none() && follower.is_here());
    assert!(matches!(follower.next().await.unwrap(), News::State));
    assert_eq!(follower.view().unwrap().node("n9").unwrap().state, "down");
    assert!(matches!(follower.next().await.unwrap(), News::Away(Error::Closed)));
    assert!(!follower.is_here());
    assert_eq!(follower.view().unwrap().snapshot().overall, "CRITICAL");
}

/// Behind, a daemon answers with events missing that it tells of only later.
#[tokio::test]
async fn a_refreshed_view_is_no_gap_and_moves_no_resume_point() {
    let fake = daemon(|turn, conversation, subscribe| {
        if turn > 0 {
            assert_eq!(subscribe.from.map(|from| from.seq), Some(19));
            return conversation.hold();
        }
        conversation.send(reply::Body::Snapshot(snapshot_before(10)));
        assert!(matches!(conversation.request(), Some(request::Body::GetSnapshot(_))));
        conversation.send(reply::Body::Snapshot(snapshot_before(15)));
        conversation.send(lost(10, false, EPOCH, 20));
        conversation.send(reply::Body::Snapshot(snapshot_before(20)));
    });
    let mut follower = Follower::new("test").at(&fake.socket());
    follower.refresh().await;
    assert!(matches!(follower.next().await.unwrap(), News::State));
    follower.refresh().await;
    follower.refresh().await;
    assert!(matches!(follower.next().await.unwrap(), News::State));
    assert_eq!(follower.view().unwrap().snapshot().next_seq, 15);
    assert_eq!(follower.resume_point().unwrap().seq, 9);
    let News::Gap(gap) = follower.next().await.unwrap() else { panic!("no gap") };
    assert_eq!((gap.count, gap.epoch, gap.next_seq), (10, EPOCH, 20));
    assert!(matches!(follower.next().await.unwrap(), News::State));
    assert!(matches!(follower.next().await.unwrap(), News::Away(_)));
    follower.refresh().await;
}

#[tokio::test]
async fn a_daemon_that_is_not_there_yet_is_waited_for() {
    let directory = Directory::new();
    let mut follower = Follower::new("test").at(&directory.path().join("none.sock"));
    for _ in 0..3 {
        assert!(matches!(follower.next().await.unwrap(), News::Away(Error::NotThere { .. })));
    }
}

#[tokio::test]
async fn what_trying_again_would_not_mend_ends_it() {
    let refusing = |kind: Kind| {
        daemon(move |_, conversation, _| {
            let refusal = Refusal { kind: kind.into(), message: "no".into() };
            conversation.send(reply::Body::Error(refusal));
        })
    };
    let fake = refusing(Kind::BadRequest);
    let mut follower = Follower::new("test").at(&fake.socket());
    assert!(matches!(follower.next().await, Err(Error::Daemon { .. })));
    let fake = refusing(Kind::Version);
    let mut follower = Follower::new("test").at(&fake.socket());
    assert!(matches!(follower.next().await, Err(Error::Version { .. })));
    // A daemon that is just starting has its socket before that has its group.
    for kind in [Kind::Permission, Kind::Full, Kind::Unspecified] {
        let fake = refusing(kind);
        let mut follower = Follower::new("test").at(&fake.socket());
        assert!(matches!(follower.next().await.unwrap(), News::Away(_)), "{kind:?}");
    }
}

#[tokio::test]
async fn silence_is_an_absence() {
    let fake = daemon(|_, conversation, _| {
        conversation.send(reply::Body::Snapshot(snapshot_before(10)));
        conversation.hold();
    });
    let mut follower =
        Follower::new("test").at(&fake.socket()).silence_max(Duration::from_millis(50));
    assert!(matches!(follower.next().await.unwrap(), News::State));
    assert!(matches!(follower.next().await.unwrap(), News::Away(Error::Stale { .. })));
}
