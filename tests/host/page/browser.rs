//! A headless Chromium with a profile of its own, driven by WebDriver (https://www.w3.org/TR/webdriver2/)
//! over plain HTTP.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use harness::http::request;
use harness::tools::{is_installed, tool};
use harness::{PATIENCE, free_port, wait_for};

/// No graphics card, no dialogs, and no network traffic but for the page.
const ARGUMENTS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A browser with one tab. Ended when dropped.
pub(crate) struct Browser {
    driver: Child,
    place: SocketAddr,
    session: String,
    profile: TempDir,
}

impl Browser {
    /// Starts it; none if none is installed.
    pub(crate) fn start() -> Option<Browser> {
        let mut chromedriver = tool("chromedriver")?;
        is_installed("chromium").then_some(())?;
        let place = free_port(Ipv4Addr::LOCALHOST);
        let profile = tempfile::tempdir().expect("a scratch folder");
        let driver = chromedriver
            .arg(format!("--port={}", place.port()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver runs");
        let mut browser = Browser { driver, place, session: String::new(), profile };
        browser.open_session();
        // The browser begins with a page of its own, which looks for its maker on the network and complains
        // where there is none. Once another one has taken its place it says no more, and what it said is not
        // ours.
        browser.go("about:blank");
        browser.complaints();
        Some(browser)
    }

    /// Goes to a page and waits until it is loaded.
    pub(crate) fn go(&self, url: &str) {
        self.command("/url", &json!({ "url": url }));
    }

    /// What a script in the page returns.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.command("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Shows the page as on a telephone, this many CSS pixels wide.
    pub(crate) fn narrow(&self, width: u32) {
        let metrics = json!({ "width": width, "height": 844, "deviceScaleFactor": 2, "mobile": true });
        self.command(
            "/goog/cdp/execute",
            &json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": metrics }),
        );
    }

    /// Everything the page has complained of since the last time.
    pub(crate) fn complaints(&self) -> Value {
        self.command("/se/log", &json!({ "type": "browser" }))
    }

    fn open_session(&mut self) {
        let place = self.place;
        wait_for("the driver", PATIENCE, || request(place, "GET", "/status", "", "").ok());
        let folder = format!("--user-data-dir={}", self.profile.path().display());
        let arguments: Vec<&str> = ARGUMENTS.into_iter().chain([folder.as_str()]).collect();
        let wanted = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let session = self.post("/session", &json!({ "capabilities": { "alwaysMatch": wanted } }));
        let session = session.unwrap_or_else(|error| panic!("no session: {error}"));
        self.session = session["sessionId"].as_str().expect("an id").to_owned();
    }

    fn command(&self, path: &str, body: &Value) -> Value {
        let path = format!("/session/{}{path}", self.session);
        self.post(&path, body).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn post(&self, path: &str, body: &Value) -> io::Result<Value> {
        let headers = "Content-Type: application/json\r\n";
        let response = request(self.place, "POST", path, headers, &body.to_string())?;
        let mut answer: Value = serde_json::from_str(&response.body)?;
        let value = answer["value"].take();
        if response.code == 200 { Ok(value) } else { Err(io::Error::other(value.to_string())) }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends its browser with the session; what fails here fails because it has ended.
        let _ = request(self.place, "DELETE", &format!("/session/{}", self.session), "", "");
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
