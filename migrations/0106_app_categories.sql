-- What apps say they are for in a header of their requests.
CREATE TABLE app_categories (
    app_url  TEXT NOT NULL,
    category TEXT NOT NULL,
    PRIMARY KEY (app_url, category)
);
CREATE INDEX app_categories_by_category ON app_categories (category);
