//! Asking the daemon.

use std::{future::Future, path::Path, time::Duration};

use hats_proto::ipc::{
    Filter, GetEvents, GetSnapshot, Hello, Ping, ResumePoint, Snapshot, Subscribe, Welcome, reply,
    request,
};
use tokio::time::{self, Instant};

use crate::{Error, Past, Subscription, connection::Connection};

/// The version of the protocol that this library speaks.
pub const VERSION: u32 = 1;

/// A connection on which every request has one answer.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    welcome: Welcome,
    timeout: Duration,
    next_token: u64,
    /// A request was sent and its answer has not been read.
    unfinished: bool,
}

impl Client {
    /// Connects to the daemon at `path` as `name`, which `hats-status
    /// subscribers` shows. `timeout` bounds this and each later request.
    pub async fn connect(path: &Path, name: &str, timeout: Duration) -> Result<Self, Error> {
        let greet = async {
            let mut connection = Connection::open(path).await?;
            let hello =
                Hello { version_min: VERSION, version_max: VERSION, client: name.to_owned() };
            connection.send(request::Body::Hello(hello)).await?;
            let answer = connection.receive().await?;
            if let reply::Body::Welcome(welcome) = answer {
                Ok((connection, welcome))
            } else {
                Err(unexpected("a Welcome", &answer))
            }
        };
        let (connection, welcome) = bounded("Hello", timeout, greet).await?;
        if welcome.version != VERSION {
            return Err(Error::Version { reason: format!("it chose version {}", welcome.version) });
        }
        Ok(Client { connection, welcome, timeout, next_token: 1, unfinished: false })
    }

    /// What the daemon said about itself.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Everything the daemon knows, now.
    pub async fn snapshot(&mut self) -> Result<Snapshot, Error> {
        self.snapshot_with(GetSnapshot::default()).await
    }

    /// The same with what else `wanted` asks for.
    pub async fn snapshot_with(&mut self, wanted: GetSnapshot) -> Result<Snapshot, Error> {
        let request = request::Body::GetSnapshot(wanted);
        self.ask("GetSnapshot", request, |answer| {
            if let reply::Body::Snapshot(snapshot) = answer {
                Ok(snapshot)
            } else {
                Err(unexpected("a Snapshot", &answer))
            }
        })
        .await
    }

    /// Asks for nothing; tells how long the answer took.
    pub async fn ping(&mut self) -> Result<Duration, Error> {
        let token = self.next_token;
        self.next_token += 1;
        let sent = Instant::now();
        self.ask("Ping", request::Body::Ping(Ping { token }), |answer| {
            if matches!(&answer, reply::Body::Pong(pong) if pong.token == token) {
                Ok(sent.elapsed())
            } else {
                Err(unexpected("the Pong to this Ping", &answer))
            }
        })
        .await
    }

    /// Turns the connection into a stream of events: a snapshot and every
    /// event after it, or, with `from`, the events after that one if the daemon
    /// still has them.
    pub async fn subscribe(
        self,
        filter: Filter,
        from: Option<ResumePoint>,
    ) -> Result<Subscription, Error> {
        let filter = Some(filter);
        self.subscribe_as(Subscribe { filter, from, ..Subscribe::default() }).await
    }

    /// As [`subscribe`](Self::subscribe), with everything that can be asked for:
    /// the events since a time, and what changes in the snapshot.
    pub async fn subscribe_as(mut self, subscribe: Subscribe) -> Result<Subscription, Error> {
        if self.unfinished {
            return Err(Error::Unfinished);
        }
        let send = self.connection.send(request::Body::Subscribe(subscribe.clone()));
        bounded("Subscribe", self.timeout, send).await?;
        Ok(Subscription::new(self.connection, self.welcome, &subscribe))
    }

    /// The events of the past that the daemon still has, from its journal.
    pub async fn events(&mut self, get: GetEvents) -> Result<Past<'_>, Error> {
        if self.unfinished {
            return Err(Error::Unfinished);
        }
        // Until the last of them has been read; see `ask`.
        self.unfinished = true;
        let send = self.connection.send(request::Body::GetEvents(get));
        bounded("GetEvents", self.timeout, send).await?;
        Ok(Past::new(&mut self.connection, &mut self.unfinished, self.timeout))
    }

    async fn ask<T>(
        &mut self,
        name: &'static str,
        request: request::Body,
        accept: impl FnOnce(reply::Body) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.unfinished {
            return Err(Error::Unfinished);
        }
        // Stays set when this future is dropped half-way or fails: a late
        // answer must not be taken for that of the next request.
        self.unfinished = true;
        let connection = &mut self.connection;
        let exchange = async {
            connection.send(request).await?;
            loop {
                let answer = connection.receive().await?;
                if !matches!(answer, reply::Body::KeepAlive(_)) {
                    return Ok(answer);
                }
            }
        };
        let answer = bounded(name, self.timeout, exchange).await?;
        let accepted = accept(answer)?;
        self.unfinished = false;
        Ok(accepted)
    }
}

pub(crate) async fn bounded<T>(
    request: &'static str,
    after: Duration,
    exchange: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    time::timeout(after, exchange).await.unwrap_or(Err(Error::Timeout { request, after }))
}

pub(crate) fn unexpected(expected: &str, body: &reply::Body) -> Error {
    let got = match body {
        reply::Body::Welcome(_) => "a Welcome",
        reply::Body::Snapshot(_) => "a Snapshot",
        reply::Body::Event(_) => "an Event",
        reply::Body::Lost(_) => "a Lost",
        reply::Body::Error(_) => "an Error",
        reply::Body::KeepAlive(_) => "a KeepAlive",
        reply::Body::Pong(_) => "a Pong",
        reply::Body::Changes(_) => "a Changes",
        reply::Body::EventsEnd(_) => "an EventsEnd",
    };
    Error::Malformed { what: format!("{got} where {expected} was expected") }
}
