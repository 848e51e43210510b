//! A real browser without a window, as the judge of pages.
//!
//! It is named by `ALEXNET_CHROMIUM`, or found as `chromium`, `chromium-browser` or `google-chrome`. Without one, a test that asks
//! for it prints that it was skipped; with `ALEXNET_REQUIRE_BROWSER=1` it fails.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

/// No window, no sandbox (tests may run as root), nothing that the browser would do for itself.
const FLAGS: [&str; 13] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    // Requests to this machine would otherwise go past the proxy that watches.
    "--proxy-bypass-list=<-loopback>",
];

/// Hosts that the browser asks on its own account, whatever flags say.
const ITS_OWN: [&str; 3] = ["google.com", "googleapis.com", "gvt1.com"];

/// What a browser did with a page.
pub struct Visit {
    /// The document after its scripts ran, where that was asked for.
    pub document: String,
    /// Lines of the page's console.
    pub console: Vec<String>,
    /// First lines of the requests that left the page.
    pub requests: Vec<String>,
}

/// The browser; `None` where there is none.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub fn browser() -> Option<PathBuf> {
    let named = std::env::var_os("ALEXNET_CHROMIUM").map(PathBuf::from);
    let usual = ["chromium", "chromium-browser", "google-chrome"].map(PathBuf::from);
    let starts = |program: &PathBuf| {
        let started = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        started.is_ok_and(|status| status.success())
    };
    let found = named.into_iter().chain(usual).find(starts);
    let demanded = std::env::var("ALEXNET_REQUIRE_BROWSER").is_ok_and(|value| value == "1");
    assert!(
        found.is_some() || !demanded,
        "ALEXNET_REQUIRE_BROWSER=1, but no browser was found; install chromium, or set ALEXNET_CHROMIUM"
    );
    if found.is_none() {
        eprintln!("skipped: no browser; install chromium, or set ALEXNET_CHROMIUM");
    }
    found
}

/// Opens a file with some options more. A proxy of the test's takes down what is requested, and answers nothing.
pub fn visit(browser: &Path, page: &Path, options: &[OsString]) -> Visit {
    let profile = tempfile::tempdir().expect("a folder");
    let (port, requests) = listen();
    let output = Command::new(browser)
        .args(FLAGS)
        .arg(format!("--proxy-server=http://127.0.0.1:{port}"))
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(options)
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", browser.display()));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}: {}\n{said}", browser.display(), output.status);
    let own = |line: &String| ITS_OWN.iter().any(|host| line.contains(host));
    Visit {
        document: String::from_utf8_lossy(&output.stdout).into_owned(),
        console: said.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect(),
        requests: requests.try_iter().filter(|line| !own(line)).collect(),
    }
}

/// A port whose callers are written down and sent away.
fn listen() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for caller in listener.incoming().flatten() {
            let mut line = String::new();
            if BufReader::new(caller).read_line(&mut line).is_ok() && sender.send(line).is_err() {
                return;
            }
        }
    });
    (port, receiver)
}
