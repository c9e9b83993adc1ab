//! Provider dialect.
pub struct Gemini;
impl super::Upstream for Gemini {
    fn encode(
        &self,
        _: &super::Target<'_>,
        _: &super::Inference,
    ) -> Result<super::UpstreamRequest, super::Untranslatable> {
        unreachable!()
    }
    fn decoder(&self, _: &super::Quirks) -> Box<dyn super::Decoder> {
        unreachable!()
    }
    fn decode_whole(&self, _: &super::Quirks, _: &[u8]) -> Result<Vec<super::Delta>, super::Fault> {
        unreachable!()
    }
    fn decode_error(&self, _: u16, _: &dyn Fn(&str) -> Option<String>, _: &[u8]) -> super::Fault {
        unreachable!()
    }
}
