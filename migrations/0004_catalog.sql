-- What can be asked for. Lists and records are JSON text; prices are pico-dollars per unit.
CREATE TABLE authors (
    slug TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL
);

CREATE TABLE providers (
    slug TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    dialect TEXT,
    base_url TEXT NOT NULL,
    env TEXT NOT NULL,
    auth TEXT NOT NULL,
    quirks TEXT NOT NULL,
    trains_on_prompts BIGINT,
    retains_prompts BIGINT,
    privacy_policy_url TEXT,
    terms_of_service_url TEXT,
    status_page_url TEXT,
    headquarters TEXT,
    datacenters TEXT NOT NULL,
    supports_cancel BIGINT NOT NULL,
    is_simulated BIGINT NOT NULL,
    source BIGINT NOT NULL
);

CREATE TABLE models (
    id TEXT NOT NULL PRIMARY KEY,
    canonical_slug TEXT NOT NULL,
    aliases TEXT NOT NULL,
    name TEXT NOT NULL,
    author TEXT NOT NULL,
    -- Epoch seconds.
    created BIGINT NOT NULL,
    description TEXT,
    context_length BIGINT,
    architecture TEXT NOT NULL,
    supported_parameters TEXT NOT NULL,
    default_parameters TEXT,
    hugging_face_id TEXT,
    knowledge_cutoff TEXT,
    expiration_date TEXT,
    reference_prices TEXT,
    -- Where the facts come from; a higher number is not overwritten by a lower one.
    source BIGINT NOT NULL
);

CREATE TABLE endpoints (
    id TEXT NOT NULL PRIMARY KEY,
    model_id TEXT NOT NULL,
    provider_slug TEXT NOT NULL,
    upstream_model TEXT NOT NULL,
    tag TEXT NOT NULL,
    -- The version in force; NULL while nobody knows what it costs.
    price_id TEXT,
    context_length BIGINT,
    max_output_tokens BIGINT,
    max_prompt_tokens BIGINT,
    quantization TEXT,
    supported_parameters TEXT NOT NULL,
    input_modalities TEXT NOT NULL,
    output_modalities TEXT NOT NULL,
    trains_on_prompts BIGINT,
    retains_prompts BIGINT,
    is_simulated BIGINT NOT NULL,
    -- 0 once the provider has taken it off its list.
    is_offered BIGINT NOT NULL,
    source BIGINT NOT NULL
);
CREATE INDEX endpoints_by_model ON endpoints (model_id);

-- Append-only: a change of price is a new row.
CREATE TABLE prices (
    id TEXT NOT NULL PRIMARY KEY,
    endpoint_id TEXT NOT NULL,
    valid_from BIGINT NOT NULL,
    prompt BIGINT NOT NULL,
    completion BIGINT NOT NULL,
    request BIGINT NOT NULL,
    image BIGINT NOT NULL,
    audio BIGINT,
    audio_output BIGINT,
    internal_reasoning BIGINT,
    input_cache_read BIGINT,
    input_cache_write BIGINT,
    web_search BIGINT NOT NULL,
    tiers TEXT NOT NULL
);
CREATE INDEX prices_by_endpoint ON prices (endpoint_id, valid_from);

-- Counts the changes, so that a running server notices one made elsewhere.
CREATE TABLE catalog_revision (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    number BIGINT NOT NULL
);
INSERT INTO catalog_revision (id, number) VALUES (1, 0);
