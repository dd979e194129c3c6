//! The manual's examples as the spec restates them (sections 1.2 and 2 to 7).

pub(crate) const ROOT: &str = r#"{"Version": "3.0.15.7528", "Urns": ["/api/serverinfo", "/api/licences", "/api/connections", "/api/sessions"]}"#;

pub(crate) const SERVER_INFO: &str = r#"{
  "ComputerName": "MORA-HP",
  "LocalIP": "192.168.56.1,192.168.1.38",
  "OSType": "Windows",
  "OSVersion": "Windows 10 10.0.16299 (x86_64)",
  "ModuleName": "C:\\Program Files (x86)\\1C\\Licence\\v3.0\\licenceserver.exe",
  "PID": 5736,
  "CPU": "i386",
  "Version": "3.0.15.7528",
  "Started": "2018-04-02T20:41:13.272Z",
  "ComputerID": "D365ACC38180015CD3A30E62BF1072392D4DD5C1"
}"#;

pub(crate) const LICENCE: &str = r#"{
  "Type": "Virtual",
  "FileName": "C:\\ProgramData\\1C\\Licence\\Data\\672B.7131766.licence",
  "Enabled": true,
  "IsBlank": false,
  "Workable": true,
  "OpenError": null,
  "Version": "6",
  "KeyNo": 7131766,
  "KeyID": "672B",
  "RegNo": 202,
  "KeyType": 3,
  "ServiceType": 0,
  "LicenceCount": 5,
  "ProductVersion": 0,
  "BlankKeyNo": null,
  "ActivationCode": "4345-9320-2035-7421-5361",
  "ActivationDate": "2018-03-30T21:00:00.414Z",
  "StartDate": null,
  "Period": 0,
  "ExpireDate": null,
  "DaysLeft": null,
  "Expired": false,
  "Flags": "00000000000000000000000000000000",
  "ITN": 1234567890,
  "IEC": null,
  "ProductName": "Тестовая серия",
  "Article": "1111111111111",
  "ArticleName": "Тестовая номенклатура для проверки работоспособности системы (максимально 100 символов, выгруженных из ТС)"
}"#;

pub(crate) const CONNECTION: &str = r#"{
  "ID": "AF72CC4124DD4B588AA9039D31035A5C",
  "PeerIP": "127.0.0.1",
  "Created": "2018-04-03T14:06:59.317Z",
  "LastUsed": "2018-04-03T14:07:09.320Z",
  "OSVersion": "Windows 10 10.0.16299 (x86_64)",
  "ComputerName": "MORA-HP",
  "LocalIP": "192.168.56.1,192.168.1.38",
  "Process": "C:\\Program Files (x86)\\1cv8\\8.3.11.2954\\bin\\1cv8c.exe",
  "CPU": "i386",
  "PID": "8236",
  "IsServer": false,
  "PlatformVersion": "8.3.11.2954",
  "ModuleName": "C:\\Users\\MORA\\AppData\\Local\\Temp\\v8_3F2F_d.tmp",
  "Version": "3.0.15.7522",
  "KeyID": "672B",
  "ExpireTime": "2018-04-03T14:07:29.320Z",
  "Expired": "False"
}"#;

pub(crate) const SESSION: &str = r#"{
  "ID": "DB4AC14978FA4B5815A813550A031424B",
  "SessionNumber": "2",
  "IsServer": false,
  "InfoBaseConnectionStr": "File=\"D:\\Projects\\Licence\\v3.0\\DB\\DemoDb\";",
  "AppName": "1CV8C",
  "ComputerName": "MORA-HP",
  "UserName": null,
  "SessionStarted": "2018-04-03T14:06:58.000Z",
  "SessionConnection": "AF72CC4124DD4B588AA9039D31035A5C",
  "AccessCode": null,
  "ExpireTime": "2018-04-03T14:23:43.787Z",
  "Expired": "False",
  "KeyID": "672B",
  "UsedLicence": 7131766
}"#;

/// What a client sends to get a session (section 7.3).
pub(crate) const TAKE: &str = r#"{"KeyID":"672B","ClientSessionID":"0123456789ABCDEF","AppName":"MobileClient","UserName":"MobileUser",
 "ComputerName":"Androud Table Sevice","SessionStarted":"2020-01-01T12:52:20"}"#;

/// What a client sends to install a licence (section 4.3).
pub(crate) const INSTALL: &str =
    r#"{"ActivationCodeString":"4345-9320-2035-7421-5361","ITN":1234567890,"IEC":null,"BlankKeyNo":null}"#;

pub(crate) const ERROR: &str = r#"{
  "Code": 404,
  "Text": "Not found",
  "Message": "(EHTTPNotFound) The requested URL \"/api/someurl\" was not found.",
  "Exception": "EHTTPNotFound"
}"#;

/// The fields of the later revision, in the order of row 17.
pub(crate) const LATER: [&str; 7] = [
    "SupportDate",
    "SupportPeriod",
    "IndustrySupportDate",
    "IndustrySupportPeriod",
    "ProductVersionName",
    "Recovered",
    "UpdateDate",
];
