//! The subscriber library against a daemon on a real socket that says what a
//! test wants.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fake;

use std::{os::unix::net::UnixListener, path::Path, time::Duration};

use fake::{Conversation, Directory, EPOCH, Fake, event, snapshot_before};
use hats_client::{
    Client, Error, Subscription, Update,
    ipc::{Event, Filter, Lost, Pong, ResumePoint, error::Kind, reply, request},
};

/// Never reached when all is well.
const PATIENCE: Duration = Duration::from_secs(20);

/// Reached on purpose.
const IMPATIENCE: Duration = Duration::from_millis(30);

async fn connect(path: &Path) -> Result<Client, Error> {
    Client::connect(path, "test", PATIENCE).await
}

async fn subscribe(fake: &Fake) -> Subscription {
    let client = connect(&fake.socket()).await.unwrap();
    client.subscribe(Filter::default(), None).await.unwrap()
}

fn streaming(script: impl Fn(&mut Conversation) + Send + Sync + Clone + 'static) -> Fake {
    Fake::start(move |conversation| {
        conversation.greet();
        assert!(matches!(conversation.request(), Some(request::Body::Subscribe(_))));
        script(conversation);
    })
}

/// Says `bytes` instead of a Welcome.
fn hanging_up_after(bytes: &'static [u8]) -> Fake {
    Fake::start(move |conversation| {
        conversation.request();
        conversation.send_bytes(bytes);
    })
}

#[tokio::test]
async fn a_snapshot_is_asked_for_and_given() {
    let fake = Fake::with_snapshot(snapshot_before(10));
    let mut client = connect(&fake.socket()).await.unwrap();
    assert_eq!(client.welcome().node, "n2");
    assert_eq!(client.snapshot().await.unwrap(), snapshot_before(10));
    assert_eq!(client.snapshot().await.unwrap(), snapshot_before(10));
}

#[tokio::test]
async fn a_missing_socket_is_named() {
    let directory = Directory::new();
    let error = connect(&directory.path().join("none.sock")).await.unwrap_err();
    assert!(matches!(error, Error::NotThere { .. }));
    assert!(error.to_string().contains("none.sock"), "{error}");
}

#[tokio::test]
async fn a_socket_without_a_daemon_is_told_from_a_missing_one() {
    let directory = Directory::new();
    let path = directory.path().join("hats.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(matches!(connect(&path).await, Err(Error::Refused { .. })));
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_an_error() {
    let directory = Directory::new();
    assert!(connect(directory.path()).await.is_err());
    let long = directory.path().join("x".repeat(200));
    assert!(matches!(connect(&long).await, Err(Error::Io { .. })));
}

#[tokio::test]
async fn a_refusal_for_permission_names_the_socket_and_the_group() {
    let fake = Fake::refusing(Kind::Permission, "uid 1000 is not in group hats");
    let error = connect(&fake.socket()).await.unwrap_err();
    assert!(matches!(error, Error::Permission { .. }));
    let text = error.to_string();
    let path = fake.socket().display().to_string();
    assert!(text.contains(&path) && text.contains("uid 1000") && text.contains("`hats`"), "{text}");
}

#[tokio::test]
async fn a_daemon_of_other_versions_is_refused() {
    let fake = Fake::refusing(Kind::Version, "this daemon speaks 2 to 3");
    let error = connect(&fake.socket()).await.unwrap_err();
    assert!(matches!(error, Error::Version { .. }));
    assert!(error.to_string().contains("2 to 3"), "{error}");
}

#[tokio::test]
async fn a_bad_request_is_told_in_the_words_of_the_daemon() {
    let fake = Fake::refusing(Kind::BadRequest, "no");
    let error = connect(&fake.socket()).await.unwrap_err();
    assert!(matches!(error, Error::Daemon { kind: Kind::BadRequest, .. }));
}

#[tokio::test]
async fn a_daemon_that_listens_and_says_nothing_is_a_timeout() {
    let fake = Fake::start(Conversation::hold);
    let error = Client::connect(&fake.socket(), "test", IMPATIENCE).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { request: "Hello", .. }));
}

#[tokio::test]
async fn after_a_timeout_the_connection_is_not_used_again() {
    let fake = Fake::start(|conversation| {
        conversation.greet();
        conversation.hold();
    });
    // Long enough for the greeting even on a busy machine.
    let mut client =
        Client::connect(&fake.socket(), "test", Duration::from_millis(500)).await.unwrap();
    assert!(matches!(client.snapshot().await, Err(Error::Timeout { .. })));
    assert!(matches!(client.snapshot().await, Err(Error::Unfinished)));
}

#[tokio::test]
async fn a_daemon_that_goes_away_is_closed_and_a_cut_message_malformed() {
    let fake = Fake::start(Conversation::greet);
    let mut client = connect(&fake.socket()).await.unwrap();
    assert!(matches!(client.snapshot().await, Err(Error::Closed)));

    let fake = hanging_up_after(&[50, 1, 2]);
    assert!(matches!(connect(&fake.socket()).await, Err(Error::Malformed { .. })));
}

#[tokio::test]
async fn garbage_and_oversized_frames_are_told_apart() {
    let fake = hanging_up_after(b"HTTP/1.1 400 Bad Request\r\n");
    assert!(matches!(connect(&fake.socket()).await, Err(Error::Malformed { .. })));

    let fake = hanging_up_after(&[0xff; 64]);
    assert!(matches!(connect(&fake.socket()).await, Err(Error::Malformed { .. })));

    let fake = hanging_up_after(&[0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert!(matches!(connect(&fake.socket()).await, Err(Error::TooLong { length: 4_294_967_295 })));
}

#[tokio::test]
async fn an_answer_to_another_question_is_malformed() {
    let fake = Fake::start(|conversation| {
        conversation.greet();
        conversation.request();
        conversation.send(reply::Body::Pong(Pong { token: 99 }));
        conversation.hold();
    });
    let mut client = connect(&fake.socket()).await.unwrap();
    let error = client.snapshot().await.unwrap_err();
    assert!(error.to_string().contains("a Pong where a Snapshot was expected"), "{error}");
}

#[tokio::test]
async fn a_keep_alive_between_question_and_answer_is_skipped() {
    let fake = Fake::start(|conversation| {
        conversation.greet();
        while let Some(request::Body::Ping(ping)) = conversation.request() {
            conversation.keep_alive();
            conversation.send(reply::Body::Pong(Pong { token: ping.token }));
        }
    });
    let mut client = connect(&fake.socket()).await.unwrap();
    client.ping().await.unwrap();
    client.ping().await.unwrap();
}

#[tokio::test]
async fn a_subscription_is_a_snapshot_and_every_event_after_it() {
    let fake = streaming(|conversation| {
        conversation.send(reply::Body::Snapshot(snapshot_before(10)));
        conversation.send(reply::Body::Event(event(10)));
        conversation.keep_alive();
        conversation.send(reply::Body::Event(event(11)));
        let lost = Lost { count: 8, epoch: EPOCH, next_seq: 20, more: false };
        conversation.send(reply::Body::Lost(lost));
        conversation.send(reply::Body::Snapshot(snapshot_before(20)));
        conversation.send(reply::Body::Event(event(20)));
        conversation.hold();
    });
    let mut subscription = subscribe(&fake).await.with_silence_max(Duration::MAX);
    assert_eq!(subscription.resume_point(), None);
    let mut seen = Vec::new();
    for _ in 0..7 {
        seen.push(match subscription.next().await.unwrap() {
            Update::Snapshot(snapshot) => format!("snapshot {}", snapshot.next_seq),
            Update::Event(event) => format!("event {}", event.seq),
            Update::Lost(lost) => format!("lost {}", lost.count),
            Update::Changes(_) => "changes".into(),
            Update::KeepAlive(_) => "keep-alive".into(),
        });
    }
    assert_eq!(
        seen,
        ["snapshot 10", "event 10", "keep-alive", "event 11", "lost 8", "snapshot 20", "event 20"]
    );
    assert_eq!(subscription.resume_point(), Some(ResumePoint { epoch: EPOCH, seq: 20 }));
}

#[tokio::test]
async fn a_resumed_subscription_goes_on_without_a_snapshot() {
    let from = ResumePoint { epoch: EPOCH, seq: 11 };
    let fake = Fake::start(move |conversation| {
        conversation.greet();
        let Some(request::Body::Subscribe(subscribe)) = conversation.request() else { panic!() };
        assert_eq!(subscribe.from, Some(from));
        conversation.send(reply::Body::Event(event(12)));
        conversation.hold();
    });
    let client = connect(&fake.socket()).await.unwrap();
    let mut subscription = client.subscribe(Filter::default(), Some(from)).await.unwrap();
    assert_eq!(subscription.resume_point(), Some(from));
    let update = subscription.next().await.unwrap();
    assert_eq!(update, Update::Event(Box::new(event(12))));
}

#[tokio::test]
async fn a_silent_gap_is_an_error_unless_a_filter_explains_it() {
    let script = |conversation: &mut Conversation| {
        conversation.send(reply::Body::Snapshot(snapshot_before(10)));
        conversation.send(reply::Body::Event(event(12)));
        conversation.hold();
    };
    let fake = streaming(script);
    let mut subscription = subscribe(&fake).await;
    subscription.next().await.unwrap();
    let error = subscription.next().await.unwrap_err();
    assert!(error.to_string().contains("event 12 of epoch 1795432 where 10"), "{error}");

    let fake = streaming(script);
    let filter = Filter { nodes: vec!["n3".into()], ..Filter::default() };
    let client = connect(&fake.socket()).await.unwrap();
    let mut subscription = client.subscribe(filter, None).await.unwrap();
    subscription.next().await.unwrap();
    assert_eq!(subscription.next().await.unwrap(), Update::Event(Box::new(event(12))));
}

#[tokio::test]
async fn an_event_of_another_run_is_an_error() {
    let fake = streaming(|conversation| {
        conversation.send(reply::Body::Snapshot(snapshot_before(10)));
        conversation.send(reply::Body::Event(Event { epoch: EPOCH + 1, ..event(10) }));
        conversation.hold();
    });
    let mut subscription = subscribe(&fake).await;
    subscription.next().await.unwrap();
    assert!(matches!(subscription.next().await, Err(Error::Malformed { .. })));
}

#[tokio::test]
async fn an_event_told_twice_is_an_error() {
    let fake = streaming(|conversation| {
        conversation.send(reply::Body::Snapshot(snapshot_before(10)));
        conversation.send(reply::Body::Event(event(10)));
        conversation.send(reply::Body::Event(event(10)));
        conversation.hold();
    });
    let mut subscription = subscribe(&fake).await;
    subscription.next().await.unwrap();
    subscription.next().await.unwrap();
    assert!(matches!(subscription.next().await, Err(Error::Malformed { .. })));
}

#[tokio::test]
async fn a_daemon_without_keep_alives_is_stale() {
    let fake = streaming(|conversation| {
        conversation.send(reply::Body::Snapshot(snapshot_before(10)));
        conversation.hold();
    });
    let mut subscription = subscribe(&fake).await;
    subscription.next().await.unwrap();
    let mut subscription = subscription.with_silence_max(IMPATIENCE);
    assert!(matches!(subscription.next().await, Err(Error::Stale { after: IMPATIENCE })));
}

#[tokio::test]
async fn a_silent_daemon_is_noticed_by_one_who_never_waits_long() {
    let fake = streaming(Conversation::hold);
    let mut subscription = subscribe(&fake).await.with_silence_max(IMPATIENCE);
    let stale = async {
        loop {
            let next = subscription.next();
            if let Ok(Err(error)) = tokio::time::timeout(IMPATIENCE / 10, next).await {
                return error;
            }
        }
    };
    let error = tokio::time::timeout(PATIENCE, stale).await.unwrap();
    assert!(matches!(error, Error::Stale { .. }));
}

#[tokio::test]
async fn what_has_already_arrived_is_read_before_the_daemon_is_called_stale() {
    let fake = streaming(|conversation| {
        conversation.send(reply::Body::Snapshot(snapshot_before(10)));
        conversation.send(reply::Body::Event(event(10)));
        conversation.hold();
    });
    let mut subscription = subscribe(&fake).await.with_silence_max(Duration::ZERO);
    // Nothing may have arrived yet: then it is stale, and the next call reads it.
    let mut seen = 0;
    for _ in 0..1_000_000 {
        match subscription.next().await {
            Ok(_) => seen += 1,
            Err(Error::Stale { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
        if seen == 2 {
            return;
        }
    }
    panic!("only {seen} of 2 updates");
}
