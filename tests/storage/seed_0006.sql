-- What an installation at schema 0006 holds, a little of everything. Everything is made up: no person, no flat, no device.
-- Sealed values were made under the master key 000102…1f; the estate key seals the photograph's key, the tenant's key the
-- template. Written as the owner in the system's scope. The photograph's ciphertext, which lies in the object store:
-- object 01950000-0000-7000-8000-000000000015
-- 0194d1f3f480c4af8b4796cbf1a37dd2ffa401eec996d6a35048f05a4b25ff723b81c016522dbb66ed1b0f766544
INSERT INTO app_user (id, login, name, password_hash, certificate_number, created_at, failed_logins) VALUES
  ('01950000-0000-7000-8000-00000000000c', 'seed-manager', '种子经办', '$argon2id$v=19$m=8192,t=1,p=1$YLaL5h9gtLHVX8eU6kXLgg$kiBo4XZTBR2NSWeC25fuf4vH7ccD9n+WupJJEO2c+ZU', 'ZF-0001', '2026-02-20 02:00:00+00', 0);
INSERT INTO app_user (id, login, name, password_hash, created_at, disabled_at, failed_logins) VALUES
  ('01950000-0000-7000-8000-00000000000d', 'seed-admin', '种子管理员', '!', '2026-02-20 02:00:00+00', '2026-02-20 02:00:00+00', 2);
INSERT INTO user_grant (id, user_id, role, level, code, granted_by, granted_at) VALUES
  ('01950000-0000-7000-8000-000000000010', '01950000-0000-7000-8000-00000000000c', 'manager', 'all', '', '01950000-0000-7000-8000-00000000000d', '2026-02-20 02:00:00+00');
INSERT INTO user_grant (id, user_id, role, level, code, granted_by, granted_at, revoked_at) VALUES
  ('01950000-0000-7000-8000-000000000011', '01950000-0000-7000-8000-00000000000c', 'inspector', 'estate', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-00000000000d', '2026-02-20 02:00:00+00', '2026-02-20 02:00:00+00');
INSERT INTO refresh_family (id, user_id, created_at, expires_at) VALUES
  ('01950000-0000-7000-8000-000000000013', '01950000-0000-7000-8000-00000000000c', '2026-02-20 02:00:00+00', '2026-03-20 02:00:00+00');
INSERT INTO refresh_token (id, family_id, token_hash, created_at) VALUES
  ('01950000-0000-7000-8000-000000000014', '01950000-0000-7000-8000-000000000013', '\x454349e422f05297191ead13e21d3db520e5abef52055e4964b82fb213f593a1', '2026-02-20 02:00:00+00');
INSERT INTO rule_set (id, jurisdiction, version, effective_from, note, created_at) VALUES
  ('01950000-0000-7000-8000-00000000003b', '999999', 1, '2026-01-01', '种子', '2026-02-20 02:00:00+00');
INSERT INTO rule_value (rule_set_id, key, value, unit, source) VALUES
  ('01950000-0000-7000-8000-00000000003b', 'case.rectify.days', '15', 'day', '种子');
INSERT INTO estate (id, name, division_code, funding_type, geofence, created_at) VALUES
  ('01950000-0000-7000-8000-000000000001', '种子小区', '999999001001', 'government_invested', '{"crs": "wgs84", "polygon": [[116.3, 39.9], [116.304, 39.9], [116.304, 39.903], [116.3, 39.903]]}', '2026-02-20 02:00:00+00');
INSERT INTO estate_key (estate_id, wrapped, created_at) VALUES
  ('01950000-0000-7000-8000-000000000001', '\x011c1e5aae88dd91869b9ffbe84098e7055ba747de9d3352e04f871875a7734e959516342e92d44765e79cea1d00da97b51d7216282f7cf86aed1d2ac6', '2026-02-20 02:00:00+00');
INSERT INTO subject_key (subject_id, estate_id, wrapped, created_at) VALUES
  ('01950000-0000-7000-8000-000000000007', '01950000-0000-7000-8000-000000000001', '\x016558b26e7479b7db9006854f812f3882a5eb0fdef4e4fc0ef5bf6fe1f05732492f1edd85aa4832ab9fb9482d8f47a42706ca6e55e94598fb38e4852d', '2026-02-20 02:00:00+00');
INSERT INTO subject_key (subject_id, estate_id, wrapped, created_at, destroyed_at) VALUES
  ('01950000-0000-7000-8000-00000000003e', '01950000-0000-7000-8000-000000000001', NULL, '2026-02-20 02:00:00+00', '2026-02-20 02:00:00+00');
INSERT INTO building (id, estate_id, name) VALUES
  ('01950000-0000-7000-8000-000000000002', '01950000-0000-7000-8000-000000000001', '1幢');
INSERT INTO entrance (id, estate_id, building_id, name) VALUES
  ('01950000-0000-7000-8000-000000000003', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-000000000002', '1单元');
INSERT INTO housing_unit (id, estate_id, building_id, entrance_id, code, room_no, floor, max_people, status) VALUES
  ('01950000-0000-7000-8000-000000000004', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-000000000002', '01950000-0000-7000-8000-000000000003', 'S101', '101', 1, 4, 'allocated');
INSERT INTO housing_unit (id, estate_id, building_id, entrance_id, code, room_no, floor, max_people, status) VALUES
  ('01950000-0000-7000-8000-000000000005', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-000000000002', '01950000-0000-7000-8000-000000000003', 'S102', '102', 1, 4, 'vacant');
INSERT INTO household (id, estate_id, number, kind, created_at) VALUES
  ('01950000-0000-7000-8000-000000000006', '01950000-0000-7000-8000-000000000001', 'SH001', 'in_kind', '2026-02-20 02:00:00+00');
INSERT INTO person (id, estate_id, name, birth_date, id_number_sealed, id_number_index, id_number_masked, created_at) VALUES
  ('01950000-0000-7000-8000-000000000007', '01950000-0000-7000-8000-000000000001', '种子住户', '1980-01-01', '\x0123ec51a3f304e0debb069e97a5e07e52ef304b43dfc45e24de525a219753f2cd023f67523c645098f6f05873bdd7', '\x8db8ce6f19d4fe7ef45276a71b0261972d9eb9c23fddc09ec21019f1bef5abe4', '9999**********0018', '2026-02-20 02:00:00+00');
INSERT INTO person (id, estate_id, name, birth_date, id_number_masked, created_at) VALUES
  ('01950000-0000-7000-8000-000000000008', '01950000-0000-7000-8000-000000000001', '种子同住', '1982-01-01', '', '2026-02-20 02:00:00+00');
INSERT INTO person (id, estate_id, name, id_number_masked, created_at) VALUES
  ('01950000-0000-7000-8000-000000000009', '01950000-0000-7000-8000-000000000001', '种子访客', '', '2026-02-20 02:00:00+00');
INSERT INTO person (id, estate_id, name, id_number_masked, guardian_id, created_at) VALUES
  ('01950000-0000-7000-8000-00000000000a', '01950000-0000-7000-8000-000000000001', '种子护工', '', NULL, '2026-02-20 02:00:00+00');
INSERT INTO household_member (id, estate_id, household_id, person_id, role, valid_from) VALUES
  ('01950000-0000-7000-8000-000000000033', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-000000000006', '01950000-0000-7000-8000-000000000007', 'tenant', '2025-01-01');
INSERT INTO household_member (id, estate_id, household_id, person_id, role, valid_from, valid_to) VALUES
  ('01950000-0000-7000-8000-000000000034', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-000000000006', '01950000-0000-7000-8000-000000000008', 'co_resident', '2025-01-01', '2025-12-31');
INSERT INTO lease (id, estate_id, household_id, unit_id, number, valid_from, valid_to) VALUES
  ('01950000-0000-7000-8000-000000000032', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-000000000006', '01950000-0000-7000-8000-000000000004', 'SL001', '2025-01-01', '2029-12-31');
INSERT INTO guest_stay (id, estate_id, household_id, person_id, valid_from, valid_to, relation, recorded_by, created_at) VALUES
  ('01950000-0000-7000-8000-000000000031', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-000000000006', '01950000-0000-7000-8000-000000000009', '2026-02-01', '2026-02-28', '亲戚', '01950000-0000-7000-8000-00000000000c', '2026-02-20 02:00:00+00');
INSERT INTO service_worker (id, estate_id, person_id, kind, employer, valid_from, recorded_by, created_at) VALUES
  ('01950000-0000-7000-8000-00000000000b', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-00000000000a', 'carer', '种子家政', '2026-01-01', '01950000-0000-7000-8000-00000000000c', '2026-02-20 02:00:00+00');
INSERT INTO worker_household (worker_id, household_id, estate_id) VALUES
  ('01950000-0000-7000-8000-00000000000b', '01950000-0000-7000-8000-000000000006', '01950000-0000-7000-8000-000000000001');
INSERT INTO care_tag (id, estate_id, household_id, level, kind, valid_from) VALUES
  ('01950000-0000-7000-8000-00000000002e', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-000000000006', 'standard', 'ill', '2026-01-01');
INSERT INTO absence (id, estate_id, person_id, valid_from, valid_to, reason, told_at) VALUES
  ('01950000-0000-7000-8000-00000000002d', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-000000000008', '2026-02-01', '2026-02-10', 'travel', '2026-02-20 02:00:00+00');
INSERT INTO processing_basis (id, estate_id, purpose, legal_basis, assessment_number, assessment_date, notice_version, signed_by, valid_from, valid_to, created_at) VALUES
  ('01950000-0000-7000-8000-000000000012', '01950000-0000-7000-8000-000000000001', 'tenancy_compliance', '种子依据', 'PIA-S', '2026-01-01', 'v1', '种子', '2026-01-01', '2027-12-31', '2026-02-20 02:00:00+00');
INSERT INTO consent (id, estate_id, person_id, scope, notice_version, channel, given_at) VALUES
  ('01950000-0000-7000-8000-00000000002f', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-000000000007', 'template', 'v1', 'paper', '2026-02-20 02:00:00+00');
INSERT INTO consent (id, estate_id, person_id, scope, notice_version, channel, given_at, withdrawn_at, withdrawn_reason) VALUES
  ('01950000-0000-7000-8000-000000000030', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-000000000007', 'keep_photo', 'v1', 'paper', '2026-02-20 02:00:00+00', '2026-02-20 02:00:00+00', '本人撤回');
INSERT INTO gate_device (id, estate_id, name, vendor, serial, model, firmware, capture_mode, level, building_id, direction, camera, exit_recorded, reports_strangers, profile, created_at) VALUES
  ('01950000-0000-7000-8000-00000000000e', '01950000-0000-7000-8000-000000000001', '种子门', 'hikvision', 'SEED-1', 'DS-K1', 'V3', 'identity', 'building', '01950000-0000-7000-8000-000000000002', 'in', true, false, true, '{}', '2026-02-20 02:00:00+00');
INSERT INTO device_token (id, estate_id, device_id, token_hash, created_at) VALUES
  ('01950000-0000-7000-8000-00000000000f', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-00000000000e', '\xe3b98a4da31a127d4bde6e43033f66ba274cab0eb7eb1c70ec41402bf6273dd8', '2026-02-20 02:00:00+00');
INSERT INTO device_contact (device_id, estate_id, last_contact_at, last_event_at) VALUES
  ('01950000-0000-7000-8000-00000000000e', '01950000-0000-7000-8000-000000000001', '2026-02-20 02:00:00+00', '2026-02-20 02:00:00+00');
INSERT INTO device_epoch (device_id, epoch, estate_id, max_counter, max_device_time) VALUES
  ('01950000-0000-7000-8000-00000000000e', 0, '01950000-0000-7000-8000-000000000001', 12, '2026-02-20 02:00:00+00');
INSERT INTO device_outage (id, estate_id, device_id, reason, began_at, ended_at) VALUES
  ('01950000-0000-7000-8000-000000000037', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-00000000000e', 'silent', '2026-02-10 00:00:00+00', '2026-02-11 00:00:00+00');
INSERT INTO device_person (id, estate_id, device_id, person_id, number, has_face, since) VALUES
  ('01950000-0000-7000-8000-000000000036', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-00000000000e', '01950000-0000-7000-8000-000000000007', '7', true, '2026-02-20 02:00:00+00');
INSERT INTO credential (id, estate_id, kind, number_index, household_id, unit_id, person_id, valid_from) VALUES
  ('01950000-0000-7000-8000-000000000035', '01950000-0000-7000-8000-000000000001', 'card', '\xa2b5dad95929fb6f31b2a5485dd9abe505016ddf6c437b0d6f8f33cc639f4c93', '01950000-0000-7000-8000-000000000006', '01950000-0000-7000-8000-000000000004', '01950000-0000-7000-8000-000000000007', '2026-01-01');
SELECT ruhu_ensure_partition('2026-02-01');
INSERT INTO raw_delivery (id, received_at, estate_id, device_id, protocol, content_type, body, sealed, cutouts) VALUES
  ('01950000-0000-7000-8000-000000000026', '2026-02-20 02:00:00+00', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-00000000000e', 'hikvision', 'application/json', '\x7b2273656564223a20747275657d', false, '[]');
INSERT INTO raw_delivery (id, received_at, estate_id, device_id, protocol, content_type, body, sealed, cutouts) VALUES
  ('01950000-0000-7000-8000-000000000027', '2026-01-05 00:00:00+00', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-00000000000e', 'hikvision', 'application/json', NULL, false, '[]');
INSERT INTO raw_pending (delivery_id, received_at, estate_id, device_id, live, attempts) VALUES
  ('01950000-0000-7000-8000-000000000026', '2026-02-20 02:00:00+00', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-00000000000e', true, 0);
INSERT INTO delivery_problem (id, estate_id, device_id, delivery_id, received_at, parser, code, detail, at, resolved_at) VALUES
  ('01950000-0000-7000-8000-00000000003c', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-00000000000e', '01950000-0000-7000-8000-000000000027', '2026-01-05 00:00:00+00', 'hikvision/1', 'no-event', 'seed', '2026-02-20 02:00:00+00', '2026-02-20 02:00:00+00');
INSERT INTO pass_event (id, estate_id, device_id, delivery_id, kind, outcome, credential_kind, credential_id, device_person_id, device_person_no, direction, door_no, code, counter, device_time_text, device_time, received_at, effective_at, effective_reason, replay, pictures, extra) VALUES
  ('01950000-0000-7000-8000-000000000028', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-00000000000e', '01950000-0000-7000-8000-000000000026', 'pass', 'granted', 'card', '01950000-0000-7000-8000-000000000035', '01950000-0000-7000-8000-000000000007', '7', 'in', 1, '5-1', 12, '2026-02-20T10:00:00+08:00', '2026-02-20 02:00:00+00', '2026-02-20 02:00:00+00', '2026-02-20 02:00:00+00', 'device', false, '[]', '{}');
INSERT INTO event_key (device_id, epoch, key, base, estate_id, content, device_time_text, device_time, pass_event_id, copies) VALUES
  ('01950000-0000-7000-8000-00000000000e', 0, 'c12', 'c12', '01950000-0000-7000-8000-000000000001', '\x3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea', '2026-02-20T10:00:00+08:00', '2026-02-20 02:00:00+00', '01950000-0000-7000-8000-000000000028', 1);
INSERT INTO stored_object (id, estate_id, kind, content_type, size, digest, wrapped_key, created_at) VALUES
  ('01950000-0000-7000-8000-000000000015', '01950000-0000-7000-8000-000000000001', 'visit-photo', 'image/jpeg', 17, '\x8640a3ff7069085456da787cf88137451c85bf0d04d6e099ab0463b80b402bc9', '\x01c2a5a1bf08dfff4edb176a0a90814fe37b13bebfc957d53e97e43c22c0b1ea19f8aee426d874b58e78047c4d0a203d6c009e3b38675b858b7e622b9d', '2026-02-20 02:00:00+00');
INSERT INTO stored_object (id, estate_id, kind, content_type, size, digest, wrapped_key, created_at, expires_at, destroyed_at) VALUES
  ('01950000-0000-7000-8000-00000000003d', '01950000-0000-7000-8000-000000000001', 'snapshot', 'image/jpeg', 9, '\x0000000000000000000000000000000000000000000000000000000000000000', NULL, '2026-02-20 02:00:00+00', '2026-02-20 02:00:00+00', '2026-02-20 02:00:00+00');
INSERT INTO face_template (id, estate_id, person_id, engine, model_hash, sealed, quality, created_at) VALUES
  ('01950000-0000-7000-8000-00000000002b', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-000000000007', 'sface', 'seed', '\x01ec3db1a5ef55da093abecb2fe34edd7e0291b95fe4d95a107374db06f3db9cc9bb86a88a71ce2c92834ffa71972e3935b410cc2333aece7f5e45a8090c0eecc914e3abf5994b11779efbb703e7f3f1c7853c427114a365d3a94d6e28b3c1a277801d9832e7860762d6a1ec6be0a72e71b6be5ea25e3b9a304676c2b732998a62cf9d1e0aa4ffe0c1d0d134ed14f33582cc94097b8d4f99c1cdf93804e361915caf0087704ff7ce3b9c7adb9258923bd1b114b4d72546460ebbcdb835ed3e999019966575a80f58288f1ecba593350cff48eaa9f7071294aa68d85382671c38fa9f4c046af9c2174bb5e2bbb5d01271ab7c498f3d9625e964b85b5c0f99068905880f30d3e890440846ba20faa62e28eaef955cbb80b02888fb294ac6447ebd82607a098635b7ddf9eb750391ad645dbab31da3c44b35208dbbe7fd4d06527b2416d2d9f4e704f59e6ff5a9b9f5481fa94d3933a373df1fab478e6cf68cb52ff580dc32b3c074002a4fef41d0005fb091e979bf28f1a3520456a9ae8866cc8a5ac74c811f7ede9c910e13b3b6430fcd545aae914c973f9bac87e9afe1e5cf43772e4e218385f55c9bd3e0dc274b4acd5e98ff0f2f1642dce02ab171b5d159d29932f5a3ddbab94d352012b2f8e709fe04b0f4c77b38092bd640579a631f10bfe6b5694181b80899d6071676ba0b0ea65d81246ec66c941f4df98e82f67a89243c7ec52e3b2826271b341b796eaa37a581590e2922b3d40ed4eb087888', '{"sharpness": 0.9}', '2026-02-20 02:00:00+00');
INSERT INTO gallery_generation (estate_id, generation) VALUES
  ('01950000-0000-7000-8000-000000000001', 3);
INSERT INTO pseudonym (id, estate_id, number, engine, model_hash, centroid_sealed, faces, first_seen_at, last_seen_at, forgotten_at) VALUES
  ('01950000-0000-7000-8000-000000000029', '01950000-0000-7000-8000-000000000001', 1, 'sface', 'seed', NULL, 2, '2026-02-20 02:00:00+00', '2026-02-20 02:00:00+00', '2026-02-20 02:00:00+00');
INSERT INTO sighting (id, estate_id, pass_event_id, device_id, seen_at, band, source, person_id, credential_id, unit_id, link_kind) VALUES
  ('01950000-0000-7000-8000-00000000002a', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-000000000028', '01950000-0000-7000-8000-00000000000e', '2026-02-20 02:00:00+00', 'match', 'device', '01950000-0000-7000-8000-000000000007', '01950000-0000-7000-8000-000000000035', '01950000-0000-7000-8000-000000000004', 'credential');
INSERT INTO not_raised_note (household_id, rule, estate_id, code, why_zh, why_en, at) VALUES
  ('01950000-0000-7000-8000-000000000006', 'SUBLET', '01950000-0000-7000-8000-000000000001', 'care-tag', '种子', 'seed', '2026-02-20 02:00:00+00');
INSERT INTO discrepancy (id, estate_id, household_id, unit_id, rule, severity, admissibility, first_flagged_at, last_confirmed_at, score, terms, counts, first_day, last_day, explanation_zh, explanation_en, clears_zh, clears_en, rule_version, pseudonym_id, event_ids) VALUES
  ('01950000-0000-7000-8000-00000000002c', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-000000000006', '01950000-0000-7000-8000-000000000004', 'LONG_STAY', 'lead', 'lead_only', '2026-02-20 02:00:00+00', '2026-02-20 02:00:00+00', 3.5, '[]', '{}', '2026-02-01', '2026-02-20', '种子', 'seed', '种子', 'seed', 'seed', '01950000-0000-7000-8000-000000000029', '["01950000-0000-7000-8000-000000000028"]');
INSERT INTO lead (id, estate_id, household_id, unit_id, source, rule, discrepancy_ids, summary_zh, summary_en, status, created_at, decided_at, decided_by, decision_reason, evidence) VALUES
  ('01950000-0000-7000-8000-00000000001a', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-000000000006', '01950000-0000-7000-8000-000000000004', 'gate', 'LONG_STAY', '["01950000-0000-7000-8000-00000000002c"]', '种子线索', 'seed lead', 'accepted', '2026-02-20 02:00:00+00', '2026-02-20 02:00:00+00', '01950000-0000-7000-8000-00000000000c', '种子', '{}');
INSERT INTO violation_case (id, estate_id, household_id, unit_id, lead_id, number, state, violation, opened_by, opened_at, version) VALUES
  ('01950000-0000-7000-8000-00000000001b', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-000000000006', '01950000-0000-7000-8000-000000000004', '01950000-0000-7000-8000-00000000001a', '种子-2026-0001', 'verifying', NULL, '01950000-0000-7000-8000-00000000000c', '2026-02-20 02:00:00+00', 1);
INSERT INTO case_number (district, year, last) VALUES
  ('999999', 2026, 1);
INSERT INTO visit (id, estate_id, household_id, unit_id, kind, lead_id, case_id, assigned_to, due_at, status, result, let_in_by, notes, notice_left, created_by, created_at, started_at, done_at) VALUES
  ('01950000-0000-7000-8000-000000000018', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-000000000006', '01950000-0000-7000-8000-000000000004', 'verification', '01950000-0000-7000-8000-00000000001a', '01950000-0000-7000-8000-00000000001b', '01950000-0000-7000-8000-00000000000c', '2026-03-01 00:00:00+00', 'done', 'met', '住户', '种子', false, '01950000-0000-7000-8000-00000000000c', '2026-02-20 02:00:00+00', '2026-02-20 02:00:00+00', '2026-02-20 02:00:00+00');
INSERT INTO check_in (id, estate_id, visit_id, user_id, body_digest, fixes, phone_time, received_at, late, grade, reasons) VALUES
  ('01950000-0000-7000-8000-000000000025', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-000000000018', '01950000-0000-7000-8000-00000000000c', '\x2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6', '[]', '2026-02-20 02:00:00+00', '2026-02-20 02:00:00+00', false, 'B', '[]');
INSERT INTO photo (id, estate_id, visit_id, user_id, object_id, body_digest, content_type, size, taken_at, caption, received_at, late) VALUES
  ('01950000-0000-7000-8000-000000000017', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-000000000018', '01950000-0000-7000-8000-00000000000c', '01950000-0000-7000-8000-000000000015', '\x3e9176d911f091923b60b6dafa5c0bbc8ca17d8804289c26258d5dfc8237123c', 'image/jpeg', 17, '2026-02-20 02:00:00+00', '门口', '2026-02-20 02:00:00+00', false);
INSERT INTO occupant_met (id, estate_id, visit_id, body_digest, person_id, lives_here, recorded_by, recorded_at, late) VALUES
  ('01950000-0000-7000-8000-000000000024', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-000000000018', '\x62c66a7a5dd70c3146618063c344e531e6d4b59e379808443ce962b3abd63c5a', '01950000-0000-7000-8000-000000000007', true, '01950000-0000-7000-8000-00000000000c', '2026-02-20 02:00:00+00', false);
INSERT INTO finding (id, estate_id, visit_id, body_digest, outcome, violation, statement, recorded_by, recorded_at, late) VALUES
  ('01950000-0000-7000-8000-000000000023', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-000000000018', '\x252f10c83610ebca1a059c0bae8255eba2f95be4d1d7bcfa89d7248a82d9f111', 'substantiated', 'sublet', '种子陈述', '01950000-0000-7000-8000-00000000000c', '2026-02-20 02:00:00+00', false);
INSERT INTO case_evidence (id, estate_id, case_id, kind, source_kind, source_id, description, facts, proves_rectification, added_by, added_at) VALUES
  ('01950000-0000-7000-8000-00000000001c', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-00000000001b', 'visit', 'photo', '01950000-0000-7000-8000-000000000017', '种子照片', '{}', false, '01950000-0000-7000-8000-00000000000c', '2026-02-20 02:00:00+00');
INSERT INTO evidence_review (id, estate_id, evidence_id, admissible, checks, note, reviewed_by, reviewed_at) VALUES
  ('01950000-0000-7000-8000-00000000001d', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-00000000001c', true, '{}', '种子', '01950000-0000-7000-8000-00000000000c', '2026-02-20 02:00:00+00');
INSERT INTO case_step (id, estate_id, case_id, position, action, from_state, to_state, actor_user_id, actor_role, certificate_number, at, legal_basis, details) VALUES
  ('01950000-0000-7000-8000-00000000001e', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-00000000001b', 1, 'start_verifying', 'registered', 'verifying', '01950000-0000-7000-8000-00000000000c', 'manager', 'ZF-0001', '2026-02-20 02:00:00+00', '种子依据', '{}');
INSERT INTO measure (id, estate_id, case_id, kind, number, text, legal_basis, issued_by, issued_at) VALUES
  ('01950000-0000-7000-8000-00000000001f', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-00000000001b', 'notice', '种子告字-2026-1', '种子告知', '种子依据', '01950000-0000-7000-8000-00000000000c', '2026-02-20 02:00:00+00');
INSERT INTO service (id, estate_id, measure_id, method, received_by, served_at, effective_at, photo_object_id, recorded_by, recorded_at) VALUES
  ('01950000-0000-7000-8000-000000000020', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-00000000001f', 'direct', '住户', '2026-02-20 02:00:00+00', '2026-02-20 02:00:00+00', '01950000-0000-7000-8000-000000000015', '01950000-0000-7000-8000-00000000000c', '2026-02-20 02:00:00+00');
INSERT INTO representation (id, estate_id, case_id, made_by, made_at, waived, nothing_more, points, recorded_by, recorded_at) VALUES
  ('01950000-0000-7000-8000-000000000021', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-00000000001b', '住户', '2026-02-20 02:00:00+00', false, false, '[{"text": "种子申辩", "reply": null, "replied_by": null, "replied_at": null}]', '01950000-0000-7000-8000-00000000000c', '2026-02-20 02:00:00+00');
INSERT INTO deadline (id, estate_id, case_id, kind, starts_on, amount, unit, due_at, provisional, source) VALUES
  ('01950000-0000-7000-8000-000000000022', '01950000-0000-7000-8000-000000000001', '01950000-0000-7000-8000-00000000001b', 'rectification', '2026-02-20', 15, 'calendar_day', '2026-03-07 15:59:59+00', true, '种子');
INSERT INTO outbox_fact (id, estate_id, kind, payload, created_at, processed_at) VALUES
  ('01950000-0000-7000-8000-000000000038', '01950000-0000-7000-8000-000000000001', 'consent-withdrawn', '{"person_id": "01950000-0000-7000-8000-000000000007", "scope": "keep_photo"}', '2026-02-20 02:00:00+00', '2026-02-20 02:00:00+00');
INSERT INTO audit_entry (id, at, actor_user_id, actor_kind, action, object_kind, object_id, estate_id, purpose, reason, payload) VALUES
  ('01950000-0000-7000-8000-000000000039', '2026-02-20 02:00:00+00', '01950000-0000-7000-8000-00000000000c', 'user', 'case.opened', 'case', '01950000-0000-7000-8000-00000000001b', '01950000-0000-7000-8000-000000000001', 'tenancy_compliance', '种子原因', '{"number": "1"}');
INSERT INTO audit_entry (id, at, actor_user_id, actor_kind, action, object_kind, object_id, payload) VALUES
  ('01950000-0000-7000-8000-00000000003a', '2026-02-20 02:00:00+00', NULL, 'cli', 'user.created', 'user', '01950000-0000-7000-8000-00000000000c', '{}');
INSERT INTO timer (name, last_run_at) VALUES
  ('cases.mark_overdue', '2026-02-20 02:00:00+00');
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args) VALUES
  ('default', 'cases.mark_overdue', 'seed', 'seed', '{}');
