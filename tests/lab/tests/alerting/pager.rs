//! A pager: takes Alertmanager's web hook and gives one alert after the other.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::Duration,
};

use serde_json::Value;

use crate::place::PATIENCE;

/// Listens until its owner is gone.
pub(crate) struct Pager {
    url: String,
    changes: Receiver<Value>,
}

/// How long nothing else may come.
const QUIET: Duration = Duration::from_secs(5);

impl Pager {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/pager", listener.local_addr().unwrap());
        let (change, changes) = channel();
        std::thread::spawn(move || {
            // The status last told of each alert: what is only repeated, or is in
            // a group with one that has changed, rings no bell.
            let mut known: BTreeMap<String, String> = BTreeMap::new();
            for stream in listener.incoming() {
                let Some(message) = message(stream.unwrap()) else { continue };
                for alert in message["alerts"].as_array().into_iter().flatten() {
                    let key = alert["fingerprint"].to_string();
                    let status = alert["status"].to_string();
                    if known.insert(key, status.clone()) != Some(status)
                        && change.send(alert.clone()).is_err()
                    {
                        return;
                    }
                }
            }
        });
        Pager { url, changes }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// The next alert that was raised or has ended.
    pub(crate) fn next(&self) -> Value {
        self.changes.recv_timeout(PATIENCE).expect("an alert")
    }

    /// What else is told.
    pub(crate) fn others(&self) -> Vec<String> {
        let mut others = vec![];
        loop {
            match self.changes.recv_timeout(QUIET) {
                Ok(alert) => others.push(alert.to_string()),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return others,
            }
        }
    }
}

fn message(mut stream: TcpStream) -> Option<Value> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").ok()?;
    serde_json::from_slice(&body).ok()
}
