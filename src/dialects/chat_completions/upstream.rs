//! Provider dialect.
pub struct ChatCompletions;
impl crate::dialects::Upstream for ChatCompletions {
    fn encode(
        &self,
        _: &crate::dialects::Target<'_>,
        _: &crate::dialects::Inference,
    ) -> Result<crate::dialects::UpstreamRequest, crate::dialects::Untranslatable> {
        unreachable!()
    }
    fn decoder(&self, _: &crate::dialects::Quirks) -> Box<dyn crate::dialects::Decoder> {
        unreachable!()
    }
    fn decode_whole(
        &self,
        _: &crate::dialects::Quirks,
        _: &[u8],
    ) -> Result<Vec<crate::dialects::Delta>, crate::dialects::Fault> {
        unreachable!()
    }
    fn decode_error(&self, _: u16, _: &dyn Fn(&str) -> Option<String>, _: &[u8]) -> crate::dialects::Fault {
        unreachable!()
    }
}
