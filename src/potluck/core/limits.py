"""Every size, rate, time-out and count in the program, each with its reason.

Strategy: a number that a peer could use against us, or that two modules must agree on, stands here
and nowhere else. Guarantee: peers never choose a value of this page; what they send is compared
with it *before* anything is allocated. Units are in the names (`_s` seconds, `_bytes`); a plain
number is a count.
"""

from __future__ import annotations

KIB = 1024  # bytes, and so the next two
MIB = 1024 * KIB  # a million and a bit
GIB = 1024 * MIB  # what a person calls a gigabyte, and a little more

# -- names and versions ----------------------------------------------------------------------------
ALPN = "potluck/1"  # checked on both sides: an ALPN mismatch does not fail a handshake by itself
PROTOCOL_VERSION = 1  # the only version of the messages so far
PORT = 7685  # TCP and UDP; registered to nobody; the port really used travels in the beacon
PORT_TRIES = 32  # several potlucks on one machine take the next free ports
MULTICAST_GROUP = "239.192.76.85"  # organisation-local scope, never routed out of a site
BROADCAST_INTERVAL_S = 5.0  # x number of nodes: about 0.2 beacons a second on a LAN of any size
BROADCAST_SPREAD = 0.5  # of that more or less, by chance: nodes that started together drift apart
# beacons after start or an address change; five, since Wi-Fi drops multicast
BURST_S = (0.0, 0.25, 1.0, 2.0, 4.0)

# -- frames and messages ---------------------------------------------------------------------------
CONTROL_FRAME_BYTES = 64 * KIB  # any control message; larger things travel in pages on bulk links
PAGE_FRAME_BYTES = 1 * MIB  # manifest, roster and piece-list pages
PAIRING_FRAME_BYTES = 8 * KIB  # from a stranger: a certificate and two keys fit in 1 KiB
DATAGRAM_BYTES = 1200  # below every path MTU, so nothing is ever fragmented
PROBE_RECORDS = 8  # member records that are taken from one PING or PONG; few fit a datagram
LIST_ITEMS = 4096  # longest list in any message
PAGE_RECORDS = 1000  # manifest records in one page: about 2 ms to read, 250 bytes each
LABEL_BYTES = 64  # UTF-8; it must stay a comfortable folder name with a suffix
ADDRESSES_PER_DEVICE = 8  # several networks and families; more is noise
ROSTER_CHUNK = 40  # records per ROSTER message; long ones are cut by bytes before (roster_frames)
GROUP_KEYS = 16  # of one group that a device keeps: those valid now, and some from before
RUNS_TOLD = 32  # ended runs of its owner that a head names: who was away longer asks its owner
GAPS_TOLD = 64  # runs of what lacks of one list, in KEPT: 40 lists of these fit a control frame
HEADS_CHUNK = 40  # heads per HEADS message: 40 x at most 1.5 KiB stays below a control frame
CONFIRMS_CHUNK = 20  # per LOSS_CONFIRMS message: each has a head in it, and a signature more
CONFIRMS_OF_ONE = 32  # that are kept of what one device signed, each about another owner
PIECE_HASHES_BYTES = PAGE_FRAME_BYTES - 256  # in one page of a piece list, beside its other fields
ID_BYTES = 32  # SHA-256 of a device's key, BLAKE3 of anything else: nobody finds two with one id
KEY_BYTES = 32  # Ed25519 and X25519 (RFC 8032, RFC 7748), ChaCha20 (RFC 8439)
SIGNATURE_BYTES = 64  # Ed25519 (RFC 8032)
INSTANCE_BYTES = 16  # random for each run of a device
COOKIE_BYTES = 8  # good for one host and one run; nobody guesses one of 2^64 over a network
PAIRING_NONCE_BYTES = 16  # nobody can try all of them while a person compares words
CERTIFICATE_BYTES = 2048  # ours have about 500
TAG_CHARACTERS = 64  # of the name of a message, also of one that is not known yet
TEXT_CHARACTERS = 256  # a reason, for a person
REQUEST_NAME_CHARACTERS = 8  # hex digits of what a pairing conversation is called
REQUEST_WORDS = 3  # that people compare
WORD_CHARACTERS = 8  # the longest of the word list
HOST_CHARACTERS = 64  # an IPv6 address with its zone has at most 55
VERSIONS = 16  # versions of the protocol that one device may say it speaks
CAPABILITIES = 64  # names of what a later version can do besides
SOLICIT_PAD_BYTES = 512  # a question is as long as its answer: no use as an amplifier
PAIRING_RECORDS = 8  # statements in one frame of pairing; of long ones fewer fit (roster_frames)
UNSENT_BYTES = 8 * MIB  # control bytes queued for one peer; a peer that reads so slowly is cut off

# -- doors -----------------------------------------------------------------------------------------
HANDSHAKE_S = 5.0  # from accept() to HELLO_OK; a slow stranger costs one slot this long
KNOCK_S = 1.0  # the knock is two small packets on a LAN
STRANGERS_PER_ADDRESS = 8  # unauthenticated connections from one host
STRANGERS = 64  # unauthenticated connections in all, oldest evicted
AT_DOOR = 256  # pairing conversations at once: those of a home and a crowd wait for their turn
STATEMENT_BYTES = 4096  # body of one roster statement: a certificate, two keys, two names
INTRODUCTION_BYTES = 64 * KIB  # a sealed chain of admissions
INTRODUCTION_RECORDS = 64  # the longest chain of admissions that is followed
ANSWERS_PER_S = 10  # clear answers to one source address: no use as an amplifier
LISTEN_S = 0.45  # an open newcomer listens this long before it admits or asks: two beacon bursts
FOUND_S = 2.0  # alone this long: the provisional group is kept
PAIRING_CALL_AFTER_S = 0.5  # a door is reached within this, or its owner is asked to dial us
PAIRING_CALLED_S = 2.0  # and has so long for that after our own dial failed
PAIRING_CALLS = 4  # dials to newcomers who asked for it, at once
PAIRING_CALL_REST_S = 1.0  # between two such dials to one host
PAIRING_S = 20.0  # a pairing that needs no person takes milliseconds
PAIRING_PERSON_S = 120  # two people find each other's screen and compare three words; then: no
REQUESTS = 8  # newcomers that people are asked about at once: more nobody can compare
REQUESTS_PER_MINUTE = 5  # new ones from one host
REQUESTS_TOLD = 32  # that other members tell of, at once,
REQUESTS_OF_TELLER = 4  # and of these of one member
OPEN_DEFAULT_S = 3600.0  # --open without minutes
CODE_TRIES = 3  # of 2^33 codes: a person mistypes once or twice, nobody guesses one
INVITE_S = 600.0  # long enough to walk to the other machine
INVITE_LEAST_S = 1.0  # nobody types three words faster
INVITE_MAX_MINUTES = 60  # a longer one is forgotten, and it keeps a door open
CODE_SHARE_BYTES = 33  # SPAKE2: which side it is, and a point of Ed25519
CODE_PROOF_BYTES = 32  # a keyed BLAKE3 hash
SWEEP_AFTER_S = 1.0  # nobody authenticated by then: sweep the own subnet once
SWEEP_PREFIX = 22  # at most 1,022 addresses are swept
SWEEP_PER_S = 200  # datagrams a second while sweeping
NEIGHBOURS = 256  # entries of the neighbour table that are asked
SIGHTED = 2048  # devices whose whereabouts are remembered: twice the largest roster
OFFERS = 128  # groups near by that are remembered; strangers can make up any number
OFFERS_PER_HOST = OFFERS // 2  # of these of one host: who makes them up leaves room for others
# between dials to one device; the last one repeats
DIAL_BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
DIALS_PER_S = 5  # to one device, however often it is sighted anew: as the first of these
# for so long a device that could not be dialled for bulk is asked to dial instead; the last repeats
UNDIALLED_S = (60.0, 120.0, 300.0)
SMALL_SEGMENT_BYTES = 1200  # with IPv6 and TCP headers 1,260: below the least MTU of IPv6, 1,280
CALLS = 8  # dials to devices that asked for it, at once
CALLS_PER_S = 4  # of one device: it needs two links, and may lose one or the other
CALL_ADDRESSES = 2  # of one device that are tried for it: all are on one host
CALLED_S = 4.0  # a fetch waits so long for the other side's dial: connect, TLS, HELLO on a LAN

# -- ring ------------------------------------------------------------------------------------------
PROBE_S = 0.5  # one probe per node each half second: crash to agreement about 2 s
PROBE_TIMEOUT_S = 0.15  # for the answer of a node whose round trip is not known yet
PROBE_TIMEOUT_MIN_S = 0.1  # a scheduler's hiccup is no silence
PROBE_TIMEOUT_MAX_S = 4 * PROBE_TIMEOUT_S  # no measured round trip makes us blind for longer
PROBE_ROUND_TRIPS = 4  # smoothed round trips an answer may take: how they vary is not measured
ROUND_TRIP_GAIN = 1 / 8  # weight of the newest round trip: the alpha of RFC 6298
PROBE_AGAIN_TIMEOUTS = 2  # the second try goes over two paths and three helpers: twice the time
PROBE_HELPERS = 3  # others asked to probe before anybody is suspected
PROBES_OPEN = 256  # beyond this many open probes nobody else's are taken on
PROBES_PER_ASKER = 16  # of these for one other node, which asks while it suspects somebody
SUSPICION_S = 2.0  # alone against the suspect
SUSPICION_MIN_S = 1.0  # with three confirmations
SUSPICION_FAST_S = 0.3  # after an EOF without BYE or a refused connection: the process is gone
REFUTE_S = (
    0.2  # between two refutations: below the least patience, with time for a message each way
)
LATENESS_MAX = 8.0  # stretch of all time-outs by this node's own tick lateness
LATENESS_GAIN = 0.1  # share of the stretch let go at each punctual tick: one is no proof of health
PAUSE_S = 4 * PROBE_S  # no tick for longer: this node slept, and its silence is nobody's fault
DEPUTY_S = 0.5  # node 0 silent this long: the contact admits in its place
SEAT_GIVE_UP_S = 4 * DEPUTY_S  # no seat was given: a node takes one rather than stay outside
RESERVED_S = 10.0  # a seat promised to a joiner that never took it is free again
SEAT_GAP = 1024  # seats further than this above the largest known are ignored
DEAD_PROBE_S = 10.0  # one dead member is probed again: without it rings never meet again
FORGET_S = 600.0  # DEAD and LEFT records are forgotten
ACCUSATION_S = 10.0  # one accusation per (accuser, target) in this time
REFUTED_MAX = 3  # an accuser refuted so often
DEAF_S = 60.0  # within this time is not listened to until it is over
WITNESSES = 3  # accusers beyond the first that shorten patience; more are not passed on
UPDATE_ALL = 32  # up to this many nodes an UPDATE goes to everybody
UPDATE_OTHERS = 3  # beyond, to so many besides last and next: news still doubles at every step
SYNC_S = 0.2  # least time between two SYNCs with one peer
SYNC_CHANCE = 0.5  # of a SYNC at a further difference: both sides see it, one SYNC is enough
SYNC_RECORDS = 64  # member records in one message: 64 x at most 0.9 KiB stays below a control frame

# -- manifests -------------------------------------------------------------------------------------
BUCKETS = 4096  # by the first 12 bits of BLAKE3(path)
HEAD_MIN_S = 0.05  # heads come every 50 ms at most under load; an idle one at once
HEADS_ASK_S = 10.0  # everyone asks `last` for heads, as the seed does
KEPT_S = 1.0  # KEPT at most once a second
SEQ_MAX = 2**53  # beyond this a counter is a lie
RELABEL_OWN_MAX = 2**32  # of a device's own words about its name: room above for the stewards'
WORD_STEP = 1000  # so far a steward's word may be above all others: nobody uses up the numbers
# What one owner may cost every other device's index, whatever it signs.
OWNER_RECORDS = 2_500_000  # files and folders: a home has some 150,000, and the largest 2 million
OWNER_PATH_BYTES = 512 * MIB  # of their names: over 200 bytes each of so many, and they have 80
OWNER_DELETED = 500_000  # ended paths that are known by number, so a folder of 150,000 thrice;
OWNER_DELETED_BYTES = 64 * MIB  # and of their names; beyond, the whole manifest says the same
OWNER_DELETED_READ = 16 * OWNER_DELETED  # that a source may name beside a whole manifest
AHEAD_CHANGES = 100_000  # that an owner may have made since the newest head we heard,
AHEAD_PATH_BYTES = 16 * MIB  # and the names in them: 160 bytes each
AHEAD_GONE = 10_000  # records that had gone again by the time a newer head was heard
TOUCH_IDLE_S = 0.005  # local changes coalesce this long when little happens
TOUCH_BUSY_S = 0.1  # and up to this long under load
STILL_S = 1.0  # a file that changed while it was read is left alone this long, then twice, …
RESCAN_S = 600.0  # watcher events are hints, never truth
SECOND_LOOK_S = 10.0  # a delete found by a scan needs two looks this far apart

# -- content ---------------------------------------------------------------------------------------
PIECE_MIN_BYTES = 256 * KIB  # one link fills it in 2 ms at 1 Gbit/s; smaller files are one piece
PIECE_MAX_BYTES = 16 * MIB  # what a wrong byte costs, and what a worker holds at most
PIECES_KEPT_MIN = 500  # a changed file keeps its piece size from here,
PIECES_KEPT_MAX = 8192  # to here: the list of equal pieces stays useful, and at most 256 KiB long
PIECES_AIM = 2048  # pieces per file: the list of a 1 GiB file is 64 KiB
FILE_MAX_BYTES = 2**50  # 1 PiB: beyond this a size is a lie
PIECES_MAX = FILE_MAX_BYTES // PIECE_MAX_BYTES  # what follows from the two
# dates that travel, in whole seconds since 1970: from 13 December 1901, the first that ext4 and XFS
# keep, to 11 April 2262, the last whose nanoseconds fit in 64 bits
DATE_MIN_S = -(2**31)  # 13 December 1901
DATE_MAX_S = (2**63 - 1) // 10**9  # 11 April 2262

# -- paths -----------------------------------------------------------------------------------------
COMPONENT_BYTES = 255  # what ext4, XFS, APFS and NTFS hold
PATH_BYTES = 4000  # below PATH_MAX with room for Shared/<label>/
PATH_DEPTH = 64  # a held directory descriptor per level

# -- transfer --------------------------------------------------------------------------------------
WORKERS = 8  # fetches of pieces at once
FETCHES_PER_PEER = 2  # bulk links per pair of nodes
SERVERS = 64  # bulk links served at once
# News is what pieces may not delay: manifests, piece lists, packs of small files.
MANIFESTS = 8  # pages of manifests asked for at once, of two kinds at each peer: its own, others'
MANIFESTS_PER_PEER = 2  # so a peer's own news never waits for a long manifest that it relays
SMALL_WORKERS = 8  # fetches of packs and piece lists at once
SMALL_PER_PEER = 2  # so a tiny file passes one of 256 KiB on a slow link
NEWS_WORKERS = MANIFESTS + SMALL_WORKERS  # fetches of news at once
NEWS_PER_PEER = MANIFESTS_PER_PEER + SMALL_PER_PEER  # news links per pair of nodes
NEWS_SERVERS = 2 * SERVERS  # news links served at once: twice as many per pair, mostly idle
BUSY_AGAIN_S = 0.25  # who was busy is asked again this soon, if no slot there is free before
BULK_IDLE_S = 30.0  # an idle bulk link is closed
BULK_STALL_S = 15.0  # no byte for so long: the fetch is given up and asked elsewhere
PACK_FILES = 256  # small files in one FILES request
PACK_BYTES = 4 * MIB  # of them in one answer: some 30 ms at 1 Gbit/s,
PACK_S = 0.5  # and no more than the peer was measured to bring in this time,
PACK_BYTES_MIN = 16 * KIB  # but so much, or a slow answer would make all later ones slower
PACK_BYTES_FIRST = 128 * KIB  # before anything was measured: 1 s at 1 Mbit/s, 1 ms at 1 Gbit/s
RUN_BYTES = 32 * MIB  # pieces in one FILE request: contiguous, so disks read on,
RUN_S = 4.0  # and no more than come in this time: others may bring the rest sooner
RUN_BYTES_FIRST = 4 * MIB  # before anything was measured
RATE_SAMPLE_S = 0.5  # what a peer brings is measured over so long, or over a shorter order
RATE_KNOWN_S = 10.0  # a rate measured before that says nothing of now: whom it is of is tried again
FAR_SLOWER = 8  # who is so many times slower is not asked while a slot at another will be free soon
QUEUE_S = 0.1  # bytes on their way on a link: no more than come in this time, so no queue grows,
NEWS_QUEUE_S = 0.25  # on one with news in this: so it gets more of a slow link than pieces do
WINDOW_MIN_BYTES = 8 * KIB  # at least so many: five packets, so that one lost is noticed at once
WINDOW_START_BYTES = 64 * KIB  # until it is measured: four such links take 2 s of 1 Mbit/s, not 20
WINDOW_SAMPLE_S = 0.1  # how often that is measured
WINDOW_SAMPLES = 10  # the best of so many counts: a pause of ours or of the peer is no slow link
PACE_TOLD_S = 1.0  # of waiting: how often it is told what an order brings
RETRY_S = 2.0  # a fetch that failed everywhere is tried again
STRIKES = 2  # wrong pieces from one holder for one file
COMMIT_FILES = 256  # group commit: files,
COMMIT_BYTES = 64 * MIB  # bytes,
COMMIT_S = 0.2  # and seconds, or at once when nothing more is in flight
FREE_MIN_BYTES = 512 * MIB  # downloads pause below max(this, 1 % of the disk)
BALLAST_BYTES = 4 * MIB  # freed when the index itself cannot be written
UPKEEP_S = 3600.0  # piece lists of no file are let go: they are small and few, so rarely
TRASH_S = 30 * 86400.0  # replaced and deleted files are kept this long

# -- leaving ---------------------------------------------------------------------------------------
LEAVE_S = 5.0  # `exit` to the last thread gone
PUT_OUT_S = 1.0  # a device that was removed stays so long: whoever looks at it reads why
LEAVE_GOSSIP_S = 0.2  # time given to the farewell to reach the others

# -- sight -----------------------------------------------------------------------------------------
RECORD_ITEMS = 2000  # events and effects in the flight record: a few minutes, or one busy second
RECORD_BYTES = 4 * MIB  # what they may hold in memory; a page of a manifest alone is half a MiB
RECORD_AGAIN_S = (
    60.0  # after a fault: a fault a peer can repeat must not fill the disk with records
)
RECORDS_KEPT = 4  # files in the state folder; the oldest goes
