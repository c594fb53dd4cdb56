//! The metadata store through its public interface.

mod conformance;
mod crash;
mod embedded;
mod etcd;
mod etcd_cluster;
