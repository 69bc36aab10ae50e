//! Snapshots and the views that begin with one.

use hats_proto::ipc::{Filter, Snapshot, Subscribe, reply, request};

use super::{
    tests::{Client, Server, block_on, seq},
    *,
};

#[test]
fn who_keeps_a_view_is_told_what_changes_and_nobody_else_is() {
    block_on(async {
        let mut server = Server::start();
        let mut plain = server.subscribed(Filter::default()).await;
        let mut client = server.greeted().await;
        let view = Subscribe { view: true, ..Subscribe::default() };
        let first = server.during(client.ask(request::Body::Subscribe(view))).await;
        assert!(matches!(first, reply::Body::Snapshot(_)), "{first:?}");
        let node = |state: &str| ipc::Node {
            name: "n1".to_owned(),
            state: state.to_owned(),
            ..ipc::Node::default()
        };
        let state = |state: &str| Snapshot {
            epoch: 7,
            next_seq: 1,
            nodes: vec![node(state)],
            ..Snapshot::default()
        };
        for word in ["up", "up", "down"] {
            server.hub.tell_changes(state(word), None);
        }
        for word in ["up", "down"] {
            match server.during(client.next()).await {
                Some(reply::Body::Changes(changes)) => assert_eq!(changes.nodes, [node(word)]),
                other => panic!("{other:?}"),
            }
        }
        server.publish("neta", 0);
        assert_eq!(seq(server.during(plain.next()).await), 1);
        drop(client);
        server.during(tokio::time::sleep(Duration::from_millis(50))).await;
        assert!(!server.hub.has_view(), "nobody keeps one any more");
    });
}

/// A view is asked for; what comes first.
async fn viewer(server: &mut Server) -> (Client, Option<reply::Body>) {
    let mut client = server.greeted().await;
    let view = Subscribe { view: true, ..Subscribe::default() };
    client.send(request::Body::Subscribe(view)).await;
    let first = server.during(client.next()).await;
    (client, first)
}

#[test]
fn a_view_begins_with_a_snapshot_though_something_has_changed() {
    block_on(async {
        let mut server = Server::start();
        let (mut other, _) = viewer(&mut server).await;
        // What is in no later snapshot of the server.
        let nodes = vec![ipc::Node { name: "n1".to_owned(), ..ipc::Node::default() }];
        server.hub.tell_changes(Snapshot { nodes, ..Snapshot::default() }, None);
        let (_client, first) = viewer(&mut server).await;
        assert!(matches!(first, Some(reply::Body::Snapshot(_))), "{first:?}");
        for gone in [0, 1] {
            match server.during(other.next()).await {
                Some(reply::Body::Changes(changes)) => assert_eq!(changes.nodes_gone.len(), gone),
                other => panic!("{other:?}"),
            }
        }
    });
}

#[test]
fn a_view_asked_for_as_the_last_one_ends_is_kept_up_to_date() {
    block_on(async {
        let mut server = Server::start();
        let (client, _) = viewer(&mut server).await;
        drop(client);
        while server.hub.has_view() {
            server.during(tokio::task::yield_now()).await;
        }
        // At the same instant and place.
        let (_client, first) = viewer(&mut server).await;
        assert!(matches!(first, Some(reply::Body::Snapshot(_))), "{first:?}");
        assert!(server.hub.has_view());
    });
}

#[test]
fn a_snapshot_is_taken_once_for_all_who_ask_at_one_time_and_place() {
    block_on(async {
        let mut server = Server::start();
        let mut client = server.greeted().await;
        let plain = || request::Body::GetSnapshot(ipc::GetSnapshot::default());
        let mut taken = async |server: &mut Server, request| {
            let before = server.snapshots;
            let answer = server.during(client.ask(request)).await;
            let reply::Body::Snapshot(snapshot) = answer else { panic!("{answer:?}") };
            assert_eq!(snapshot.next_seq, server.next_seq);
            server.snapshots - before
        };
        assert_eq!(taken(&mut server, plain()).await, 1);
        assert_eq!(taken(&mut server, plain()).await, 0);
        // One that has more in it is for who asked for that.
        let besides = ipc::GetSnapshot { params: true, ..ipc::GetSnapshot::default() };
        assert_eq!(taken(&mut server, request::Body::GetSnapshot(besides)).await, 1);
        assert_eq!(taken(&mut server, plain()).await, 1);
        server.publish("neta", 0);
        assert_eq!(taken(&mut server, plain()).await, 1, "an event lies between");
        server.now = server.now + Duration::from_millis(20);
        assert_eq!(taken(&mut server, plain()).await, 1, "it is old");
        // A scrape is content with what is there, also across an event, and
        // leaves what it had taken to others.
        server.publish("neta", 0);
        let (now, place) = (server.now, server.place());
        assert_eq!(server.hub.shared(now).unwrap().next_seq, 2);
        server.now = now + Duration::from_millis(20);
        assert!(server.hub.shared(server.now).is_none(), "it is old");
        server.hub.share(
            Snapshot { next_seq: 3, ..Snapshot::default() },
            Place { now: server.now, ..place },
        );
        assert_eq!(taken(&mut server, plain()).await, 0);
    });
}
