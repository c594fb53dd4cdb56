//! Real etcd clusters, as Debian packages etcd: any number of members, each of which can be killed, stopped and
//! started again on its own address and data.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    dir,
    identity::Identity,
    ports,
    process::{Process, Signal},
    wait,
};

const BINARY: &str = "/usr/bin/etcd";
const CONTROL: &str = "/usr/bin/etcdctl";

/// Start of a member and the election of a leader, on a loaded machine.
const START: Duration = Duration::from_secs(60);

/// A cluster; its members are numbered from 0.
#[derive(Debug)]
pub(crate) struct Etcd {
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    name: String,
    client: SocketAddr,
    peer: SocketAddr,
    dir: TempDir,
    /// Another address for clients, for TLS, and the certificate there.
    tls: Option<(SocketAddr, Identity)>,
    process: Option<Process>,
}

impl Etcd {
    /// Starts one member and waits until it answers.
    pub(crate) fn start() -> Self {
        Self::cluster(1)
    }

    /// Starts so many members and waits until all of them answer.
    ///
    /// # Panics
    /// When etcd or etcdctl is not installed, or does not start.
    pub(crate) fn cluster(size: usize) -> Self {
        for (binary, package) in [(BINARY, "etcd-server"), (CONTROL, "etcd-client")] {
            assert!(
                Path::new(binary).exists(),
                "{binary} is missing: install Debian's {package} package to run these tests"
            );
        }
        Self::launched((0..size).map(Member::new).collect())
    }

    /// Starts one member that also takes TLS, with a certificate that no authority has signed.
    pub(crate) fn start_tls() -> Self {
        let addr = ports::free();
        let member = Member {
            tls: Some((addr, Identity::of(addr))),
            ..Member::new(0)
        };
        Self::launched(vec![member])
    }

    fn launched(members: Vec<Member>) -> Self {
        let mut cluster = Self { members };
        for member in 0..cluster.size() {
            cluster.launch(member);
        }
        (0..cluster.size()).for_each(|member| cluster.wait_ready(member));
        cluster
    }

    /// The URL for TLS, and the certificate to trust, of [`Etcd::start_tls`].
    ///
    /// # Panics
    /// When it was started otherwise.
    pub(crate) fn tls(&self) -> (String, Vec<u8>) {
        let (addr, identity) = self.members[0].tls.as_ref().expect("started with TLS");
        let cert = fs::read(identity.cert()).expect("the certificate is there");
        (format!("https://{addr}"), cert)
    }

    /// How many members there are, running or not.
    pub(crate) fn size(&self) -> usize {
        self.members.len()
    }

    /// The URLs of all members for clients.
    pub(crate) fn urls(&self) -> Vec<String> {
        (0..self.size()).map(|member| self.url(member)).collect()
    }

    /// The URL of one member for clients.
    pub(crate) fn url(&self, member: usize) -> String {
        format!("http://{}", self.addr(member))
    }

    /// Where a member listens for clients.
    pub(crate) fn addr(&self, member: usize) -> SocketAddr {
        self.members[member].client
    }

    /// `kill -9`.
    pub(crate) fn kill9(&mut self, member: usize) {
        self.members[member].process = None;
    }

    /// The same member again, on the same address and data; kills it first if it runs. It answers when this returns,
    /// unless there is no quorum: then this panics.
    pub(crate) fn restart(&mut self, member: usize) {
        self.start_again(member);
        self.wait_ready(member);
    }

    /// Like [`Etcd::restart`], but does not wait until the member answers.
    pub(crate) fn start_again(&mut self, member: usize) {
        self.kill9(member);
        self.launch(member);
    }

    /// SIGSTOP: accepts connections by grace of the kernel, answers nothing.
    pub(crate) fn stop(&self, member: usize) {
        self.process(member).signal(Signal::Stop);
    }

    /// SIGCONT.
    pub(crate) fn resume(&self, member: usize) {
        self.process(member).signal(Signal::Continue);
    }

    /// User and system time that a member has used, in seconds.
    pub(crate) fn cpu_seconds(&self, member: usize) -> f64 {
        self.process(member).cpu_seconds()
    }

    /// The member that leads, once there is one that the asked members agree on.
    pub(crate) fn leader(&self) -> usize {
        wait::until("etcd has a leader", START, || {
            (0..self.size()).find(|member| self.leads(*member))
        })
    }

    /// Waits until a member answers reads that need a quorum.
    pub(crate) fn wait_ready(&self, member: usize) {
        wait::until("etcd answers", START, || {
            self.try_control(member, &["endpoint", "health"])
                .status
                .success()
                .then_some(())
        });
    }

    /// Forgets all revisions before this one.
    pub(crate) fn compact(&self, revision: u64) {
        self.control(&["compact", "--physical=true", &revision.to_string()]);
    }

    /// Runs etcdctl against the members that run, and returns what it printed.
    ///
    /// # Panics
    /// When it fails.
    pub(crate) fn control(&self, args: &[&str]) -> String {
        let running = (0..self.size()).find(|member| self.members[*member].process.is_some());
        let output = self.try_control(running.expect("a member runs"), args);
        assert!(output.status.success(), "etcdctl {args:?}: {output:?}");
        String::from_utf8(output.stdout).expect("etcdctl prints text")
    }

    fn leads(&self, member: usize) -> bool {
        let status = self.try_control(member, &["endpoint", "status", "--write-out=json"]);
        let status: Value = serde_json::from_slice(&status.stdout).unwrap_or_default();
        let id = status.pointer("/0/Status/header/member_id");
        id.is_some() && id == status.pointer("/0/Status/leader")
    }

    fn try_control(&self, member: usize, args: &[&str]) -> Output {
        Command::new(CONTROL)
            .env("ETCDCTL_API", "3")
            .args(["--command-timeout=5s", "--endpoints"])
            .arg(self.url(member))
            .args(args)
            .output()
            .expect("etcdctl can be started")
    }

    fn process(&self, member: usize) -> &Process {
        self.members[member].process.as_ref().expect("the member runs")
    }

    fn launch(&mut self, member: usize) {
        let peers = |member: &Member| format!("{}=http://{}", member.name, member.peer);
        let cluster: Vec<String> = self.members.iter().map(peers).collect();
        self.members[member].launch(&cluster.join(","));
    }
}

impl Member {
    fn new(number: usize) -> Self {
        Self {
            name: format!("m{number}"),
            client: ports::free(),
            peer: ports::free(),
            dir: dir::temp_dir(),
            tls: None,
            process: None,
        }
    }

    fn launch(&mut self, cluster: &str) {
        let [mut client, peer] = [self.client, self.peer].map(|addr| format!("http://{addr}"));
        let mut command = Command::new(BINARY);
        if let Some((addr, identity)) = &self.tls {
            client = format!("{client},https://{addr}");
            command.args(["--cert-file", &identity.cert(), "--key-file", &identity.key()]);
        }
        command
            .args(["--name", &self.name, "--initial-cluster", cluster])
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--log-level", "warn", "--logger", "zap", "--data-dir"])
            .arg(self.dir.path().join("data"));
        let log = self.dir.path().join("etcd.log");
        self.process = Some(Process::start(&format!("etcd {}", self.client), &command, &log));
    }
}
