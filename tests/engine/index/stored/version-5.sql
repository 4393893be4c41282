BEGIN TRANSACTION;
CREATE TABLE address (
        device BLOB NOT NULL, host TEXT NOT NULL, port INTEGER NOT NULL, seen INTEGER NOT NULL,
        PRIMARY KEY (device, host, port)) WITHOUT ROWID;
INSERT INTO "address" VALUES(X'3030303030303030','1',3,4);
CREATE TABLE content (
        root BLOB PRIMARY KEY, size INTEGER NOT NULL, piece_size INTEGER NOT NULL,
        hashes BLOB NOT NULL);
INSERT INTO "content" VALUES(X'3030303030303030',2,3,X'3333333333333333');
CREATE TABLE deleted (
        manifest INTEGER NOT NULL, path BLOB NOT NULL, seq INTEGER NOT NULL,
        PRIMARY KEY (manifest, path)) WITHOUT ROWID;
INSERT INTO "deleted" VALUES(1,X'3131313131313131',3);
CREATE TABLE former (
        id INTEGER PRIMARY KEY, manifest INTEGER NOT NULL, path BLOB NOT NULL,
        size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, executable INTEGER NOT NULL,
        piece_size INTEGER NOT NULL, root BLOB NOT NULL, burst INTEGER NOT NULL,
        gone INTEGER NOT NULL, top TEXT NOT NULL, UNIQUE (manifest, path, root));
INSERT INTO "former" VALUES(1,2,X'3232323232323232',4,5,6,7,X'3737373737373737',9,10,'10');
CREATE TABLE intent (batch INTEGER PRIMARY KEY, items BLOB NOT NULL);
INSERT INTO "intent" VALUES(1,X'3131313131313131');
CREATE TABLE manifest (
        id INTEGER PRIMARY KEY, owner BLOB NOT NULL, folder TEXT NOT NULL, head BLOB,
        received INTEGER NOT NULL DEFAULT 0, floor INTEGER NOT NULL DEFAULT 0,
        count INTEGER NOT NULL DEFAULT 0, bytes TEXT NOT NULL DEFAULT '0', folders INTEGER NOT NULL DEFAULT 0,
        UNIQUE (owner, folder));
INSERT INTO "manifest" VALUES(1,X'3131313131313131','2',X'3333333333333333',5,6,7,'7',9);
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('0',X'3131313131313131');
CREATE TABLE need (
        manifest INTEGER NOT NULL, path BLOB NOT NULL, size INTEGER NOT NULL, is_folder INTEGER NOT NULL DEFAULT 0, skipped INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (manifest, path)) WITHOUT ROWID;
INSERT INTO "need" VALUES(1,X'3131313131313131',3,4,5);
CREATE TABLE place (
        manifest INTEGER NOT NULL, path BLOB NOT NULL, is_folder INTEGER NOT NULL,
        root BLOB NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
        ctime_ns INTEGER NOT NULL, inode INTEGER NOT NULL, executable INTEGER NOT NULL,
        UNIQUE (manifest, path));
INSERT INTO "place" VALUES(1,X'3131313131313131',3,X'3333333333333333',5,6,7,8,9);
CREATE TABLE record (
    manifest   INTEGER NOT NULL,
    path       BLOB NOT NULL,
    is_folder  INTEGER NOT NULL,
    size       INTEGER NOT NULL,
    mtime_ns   INTEGER NOT NULL,
    executable INTEGER NOT NULL,
    piece_size INTEGER NOT NULL,
    root       BLOB NOT NULL,
    seq        INTEGER NOT NULL,
    digest     BLOB,
    PRIMARY KEY (manifest, path)) WITHOUT ROWID;
INSERT INTO "record" VALUES(1,X'3131313131313131',3,4,5,6,7,X'3737373737373737',9,X'3939393939393939');
CREATE TABLE roster (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, record BLOB NOT NULL);
INSERT INTO "roster" VALUES(1,X'3131313131313131',X'3232323232323232');
CREATE TABLE staged (
    manifest   INTEGER NOT NULL,
    path       BLOB NOT NULL,
    is_folder  INTEGER NOT NULL,
    size       INTEGER NOT NULL,
    mtime_ns   INTEGER NOT NULL,
    executable INTEGER NOT NULL,
    piece_size INTEGER NOT NULL,
    root       BLOB NOT NULL,
    seq        INTEGER NOT NULL,
    digest     BLOB,
    PRIMARY KEY (manifest, path)) WITHOUT ROWID;
INSERT INTO "staged" VALUES(1,X'3131313131313131',3,4,5,6,7,X'3737373737373737',9,X'3939393939393939');
CREATE TABLE unwanted (
        manifest INTEGER NOT NULL, path BLOB NOT NULL, PRIMARY KEY (manifest, path))
        WITHOUT ROWID;
INSERT INTO "unwanted" VALUES(1,X'3131313131313131');
CREATE INDEX record_seq ON record (manifest, seq);
CREATE INDEX deleted_seq ON deleted (manifest, seq);
CREATE INDEX place_root ON place (substr(root, 1, 8)) WHERE size > 0;
CREATE INDEX place_inode ON place (inode) WHERE size > 0;
CREATE INDEX former_order ON former (manifest);
CREATE INDEX former_burst ON former (manifest, burst);
CREATE INDEX former_root ON former (manifest, substr(root, 1, 8), size);
COMMIT;
PRAGMA user_version = 5;
