//! Posting an event to a URL.

use std::{fs, path::Path, sync::Arc, time::Duration};

use hats_client::{ipc::Event, to_json};
use ureq::{
    Agent,
    http::{HeaderName, HeaderValue, StatusCode, Uri},
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};

use crate::action::Failure;

/// Where to post, and what to say of ourselves.
#[derive(Debug)]
pub(crate) struct Webhook {
    url: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
    agent: Agent,
}

impl Webhook {
    /// Of what [`url`], [`header`] and [`roots`] have let through.
    pub(crate) fn new(url: Uri, headers: Vec<(HeaderName, HeaderValue)>, roots: RootCerts) -> Self {
        let agent = Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .http_status_as_error(false)
            // A page of a login is no answer.
            .max_redirects(0)
            .user_agent(concat!("hats-exec/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Webhook { url, headers, agent }
    }

    /// Posts the event as JSON, as it is in the log. Its `Idempotency-Key` is
    /// the same in every attempt.
    pub(crate) async fn post(&self, event: &Event, timeout: Duration) -> Result<(), Failure> {
        let mut request = self
            .agent
            .post(&self.url)
            .config()
            .timeout_global(Some(timeout))
            .build()
            .content_type("application/json")
            .header("Idempotency-Key", format!("{}-{}-{}", event.observer, event.epoch, event.seq));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let body = to_json(event);
        let posted = tokio::task::spawn_blocking(move || request.send(body)).await;
        match posted {
            Ok(Ok(response)) => judge(response.status()),
            Ok(Err(error)) => Err(Failure::Again(error.to_string())),
            Err(error) => Err(Failure::Again(format!("the request did not end: {error}"))),
        }
    }
}

/// Where to post, or why nothing can be posted there.
pub(crate) fn url(text: &str) -> Result<Uri, String> {
    let expected = "expected http://HOST... or https://HOST...";
    let url: Uri = text.parse().map_err(|error| format!("{error}: {expected}"))?;
    if !matches!(url.scheme_str(), Some("http" | "https")) || url.host().is_none() {
        return Err(expected.to_owned());
    }
    Ok(url)
}

/// A header, or why it is none; its value is not repeated.
pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let name = HeaderName::try_from(name)
        .map_err(|_| "expected letters, digits and - in the name of a header".to_owned())?;
    let value = HeaderValue::from_str(value)
        .map_err(|_| "expected a value of visible ASCII on one line".to_owned())?;
    Ok((name, value))
}

/// The certificates in a file of PEM: a server's must be signed by one of them.
pub(crate) fn roots(path: &Path) -> Result<RootCerts, String> {
    let text = fs::read(path).map_err(|error| error.to_string())?;
    let mut certificates = Vec::new();
    for item in parse_pem(&text) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| error.to_string())? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err("there is no certificate in it, expected PEM".to_owned());
    }
    Ok(RootCerts::Specific(Arc::new(certificates)))
}

/// A server that is busy or broken may take it later; one that does not want
/// it, never.
fn judge(status: StatusCode) -> Result<(), Failure> {
    let said = || format!("the server said {status}");
    let later = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    if status.is_success() {
        Ok(())
    } else if status.is_server_error() || later.contains(&status) {
        Err(Failure::Again(said()))
    } else {
        Err(Failure::Never(said()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_posted_to_is_a_web_hook() {
        assert!(url("http://127.0.0.1:9/hook").is_ok());
        for text in ["", "/hook", "ftp://host/", "host:80", "http://"] {
            assert!(url(text).unwrap_err().contains("expected http://HOST"), "{text}");
        }
    }

    #[test]
    fn a_header_that_could_carry_another_one_is_refused_and_not_repeated() {
        let refused = header("X-Token", "secret\r\nX-Evil: b").unwrap_err();
        assert!(refused.contains("on one line") && !refused.contains("secret"), "{refused}");
        assert!(header("X Token", "a").unwrap_err().contains("name of a header"));
    }

    #[test]
    fn a_ca_is_a_file_with_a_certificate() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        assert!(roots(&path).unwrap_err().contains("No such file"));
        fs::write(&path, "none\n").unwrap();
        assert!(roots(&path).unwrap_err().contains("no certificate in it"));
    }

    #[test]
    fn a_server_that_may_take_it_later_is_asked_again_and_one_that_refuses_is_not() {
        assert_eq!(judge(StatusCode::ACCEPTED), Ok(()));
        for status in [408, 429, 500, 503] {
            let status = StatusCode::from_u16(status).unwrap();
            assert!(matches!(judge(status), Err(Failure::Again(_))), "{status}");
        }
        for status in [302, 400, 401, 404, 410] {
            let status = StatusCode::from_u16(status).unwrap();
            assert!(matches!(judge(status), Err(Failure::Never(_))), "{status}");
        }
    }
}
