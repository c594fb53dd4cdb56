//! Values that are looked up when somebody asks, instead of being kept up to date.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
};

/// Label names and values of one sample.
pub type Labels = Vec<(&'static str, String)>;

/// One value.
pub type Sample = (Labels, i64);

struct Observed<F> {
    name: &'static str,
    help: &'static str,
    read: F,
}

/// A gauge whose samples `read` finds when the metrics are printed.
pub fn observe(
    name: &'static str,
    help: &'static str,
    read: impl Fn() -> Vec<Sample> + Send + Sync + 'static,
) -> Box<dyn Collector> {
    Box::new(Observed { name, help, read })
}

impl<F> fmt::Debug for Observed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observed")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<F: Fn() -> Vec<Sample> + Send + Sync + 'static> Collector for Observed<F> {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut family = encoder.encode_descriptor(self.name, self.help, None, MetricType::Gauge)?;
        for (labels, value) in (self.read)() {
            ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
