export { ClientTls, TlsFileError, type TlsFiles, type TlsSettingNames } from './client-tls.ts';
